"""WIR102: trainable parameters that no gradient reaches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torchclinic.core.facts import BatchFacts, Case, ModelFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.core.trace import GRADIENT_NORM
from torchclinic.functional.learning import LearningState
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent, several


@register
class ParameterWithoutGradient(Rule):
    """Trainable parameters get no gradient.

    ## What it does
    Lists parameters that require a gradient and still have none after two backward passes on
    distinct batches, and that a watched run did not see moving either. Where the training learns
    badly it also lists layers that are frozen.

    ## Why is this bad?
    Such parameters stay at their random start. A `detach()`, `.data`, `argmax` or
    `torch.no_grad()` in the forward pass cuts everything before it off from the loss.

    ## Known problems
    Layers that exist but are never called are harmless, and only an info where the training
    learns. Gradients that are exactly zero because units are dead, or because weights start at
    zero, are reported by INI101 and INI105.

    ## Example
    `features = self.body(x).detach()`

    ## Use instead
    `features = self.body(x)`

    ## References
    pytorch/pytorch issue 57776 ("which parameters are unused?").
    """

    code = "WIR102"
    name = "parameter-without-gradient"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    any_of = ("batch", "recipe")
    explains = ("GRD101", "LRN102", "LRN101", *LEARNING_CURVES)
    remedies = ("connect-parameters", "unfreeze")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for all parameters that are cut off."""
        if case.recipe is not None:
            yield from self._frozen(case, case.recipe.model)
        lost = _lost(case, case.batch) if case.batch is not None else _Lost((), (), None)
        if case.batch is None or not lost.parameters:
            return
        state = state_of(case)
        called = [name for name in lost.layers if _ran(case.batch, name)]
        whole = f" ({percent(lost.share)} of the weights)" if lost.share is not None else ""
        why = (
            "They take part in the forward pass, so something between them and the loss cuts the "
            "gradient off: a detach, .data, an argmax or a no_grad."
            if called
            else "They belong to layers that the forward pass never calls."
        )
        yield self.finding(
            _level(state, called=bool(called), everything=lost.share == 1.0),
            f"no gradient reaches {several(lost.layers, 2)}",
            f"{len(lost.parameters)} trainable parameters{whole} have no gradient after two "
            f"backward passes: {several(lost.parameters)}. {why}",
            (
                fact("parameters without a gradient", len(lost.parameters)),
                fact("of them in layers that the forward pass calls", len(called)),
                *learning_evidence(state),
            ),
            layers=lost.layers,
            confidence=0.95 if called else 0.6,
        )

    def _frozen(self, case: Case, model: ModelFacts) -> Iterable[Finding]:
        """Layers without requires_grad, where that is much of a model that learns badly."""
        state = state_of(case)
        frozen = [layer for layer in model.layers if not layer.trainable and layer.parameters]
        share = 1 - model.trainable / model.parameters if model.parameters else 0.0
        lost = state.progress is Progress.DIVERGED  # which frozen weights cannot cause
        if not frozen or share <= t.FROZEN or not state.poor or lost:
            return
        if model.frozen_anew is False:
            return  # the same weights whatever the seed: they were loaded, not drawn
        yield self.finding(
            gated(state, 2),
            f"{percent(share)} of the weights are frozen, in a training that learns badly",
            f"{len(frozen)} layers, {several([layer.name for layer in frozen])}, have "
            "requires_grad switched off and keep their initial weights. That suits weights that "
            "were trained before, not random ones.",
            (
                above("share of the weights that are frozen", share, t.FROZEN),
                fact("layers that are frozen", len(frozen)),
                *learning_evidence(state),
            ),
            layers=[layer.name for layer in frozen],
            confidence=confidence(share, t.FROZEN, 2),
            remedies=("unfreeze",),
        )


@dataclass(frozen=True)
class _Lost:
    parameters: tuple[str, ...]
    layers: tuple[str, ...]
    share: float | None


def _lost(case: Case, batch: BatchFacts) -> _Lost:
    names = tuple(
        name
        for name in batch.without_gradient
        if not _moves(case, _layer(name)) and not _zero_for_a_reason(case, batch, _layer(name))
    )
    layers = tuple(dict.fromkeys(_layer(name) for name in names))
    total = case.recipe.model.trainable if case.recipe is not None else 0
    known = case.recipe.model.layers if case.recipe is not None else ()
    cut = sum(layer.parameters for layer in known if layer.name in layers)
    return _Lost(names, layers, min(cut / total, 1.0) if total and cut else None)


def _layer(parameter: str) -> str:
    head, _, tail = parameter.rpartition(".")
    return head if head else tail


def _moves(case: Case, layer: str) -> bool:
    """Whether a watched run saw a gradient there."""
    traced = case.trace.layers if case.trace is not None else ()
    return any(
        value > 0
        for watched in traced
        if watched.name == layer
        for value in watched[GRADIENT_NORM].values
    )


def _zero_for_a_reason(case: Case, batch: BatchFacts, layer: str) -> bool:
    """A gradient that exists and is 0 since units are dead or weights start at 0 (INI rules)."""
    here = batch.layer(layer)
    if here is None or here.gradient_norm is None:
        return False
    dead = any((reading.silent_share or 0.0) > 0.9 for reading in batch.layers)
    saturated = any((reading.saturated_units or 0.0) > 0.9 for reading in batch.layers)
    known = case.recipe.model.layers if case.recipe is not None else ()
    zero = any(facts.weight_std == 0 for facts in known if "Norm" not in facts.kind)
    constant = batch.outputs is not None and not batch.outputs.varies
    return dead or saturated or zero or constant


def _ran(batch: BatchFacts, layer: str) -> bool:
    reading = batch.layer(layer)
    return reading is not None and reading.activation_std is not None


def _level(state: LearningState, *, called: bool, everything: bool) -> Level:
    if everything or (called and not state.fine):
        return Level.ERROR
    if called:
        return Level.WARNING
    return Level.WARNING if state.poor else Level.INFO
