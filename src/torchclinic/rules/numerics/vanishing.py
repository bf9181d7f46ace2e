"""GRD101: the gradient fades before it reaches the first layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.trace import GRADIENT_RMS, SILENT_SHARE, UPDATE_RATIO, Trace, TracedLayer
from torchclinic.functional.learning import LearningState
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, learning_evidence
from torchclinic.rules.fading import Fading, fading
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.initial import initial_layers
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.traced import Profile, agreeing, deep_layers, layer_of, profile, window
from torchclinic.rules.wording import called, number, short, times

_NO_LIMIT = float("inf")
_SILENCED = 0.98  # share of silent units from which no gradient passes for that reason


@register
class VanishingGradient(Rule):
    """The gradient fades on its way back, so that the first layers do not learn.

    ## What it does
    Compares the gradient's root mean square per weight in the first layer with the last layer's
    over the whole run. It fires where the ratio is below 0.01 (0.05 where the hidden layers alone
    lose more than two thirds each) in most readings *and* the training does not learn; an error
    also needs first-layer weights that hardly move, or the same picture before training.

    ## Why is this bad?
    Going back, each layer multiplies the gradient by its weights and by the slope of its
    non-linearity, which is at most 0.25 for a sigmoid. After a few layers nothing is left: the
    first layers stay random, and all that the last one can learn is a constant.

    ## Known problems
    Small gradients alone are no fault: many deep nets that train well have them in their first
    layers, which is why a training that learns is never reported. Gradients that are zero because
    units died are ACT101's.

    ## Example
    `[nn.Linear(100, 100), nn.Sigmoid()] * 3  # torch's default initialisation, SGD`

    ## Use instead
    `[nn.Linear(100, 100), nn.ReLU()] * 3  # He initialisation, or a normalisation layer`

    ## References
    Bengio, Simard & Frasconi 1994; Glorot & Bengio 2010; AUTOTRAINER (Zhang et al. 2021).
    """

    code = "GRD101"
    name = "vanishing-gradient"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS
    needs = frozenset({"trace"})
    explains = (
        "INI102",
        "INI103",
        "INI105",
        "ACT101",
        "LRN101",
        "LRN102",
        *LEARNING_CURVES,
    )
    remedies = (
        "relu-activations",
        "reinitialise",
        "batch-norm",
        "residual",
        "lsuv-init",
        "layer-norm",
        "learning-rate",
        "adamw",
    )

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where fading, impact and most readings agree."""
        assert case.trace is not None
        shape, state = profile(deep_layers(case.trace), GRADIENT_RMS), state_of(case)
        fade = fading(shape.values)
        lost = state.progress is Progress.DIVERGED
        if not fade.fades or state.fine or lost or _silenced(case.trace):
            return
        first, last = (layer_of(case.trace, shape.names[i]) for i in (0, -1))
        if first is None or last is None:
            return
        main = fade.evidence("gradient RMS, first layer over last", first.name)
        agree = agreeing(first[GRADIENT_RMS], last[GRADIENT_RMS], main.threshold or 0.0, _NO_LIMIT)
        if agree < t.AGREEING:
            return
        before = _before_training(case)
        signs = tuple(_signs(first, before))
        level = _level(state, signs)
        if level is not None:
            facts = (main, above("share of the readings that agree", agree, t.AGREEING), *signs)
            found = self._found(state, shape, fade, facts, level, first)
            yield found if before is None or before.fades else _brought_about(found)

    def _found(
        self,
        state: LearningState,
        shape: Profile,
        fade: Fading,
        facts: tuple[Evidence, ...],
        level: Level,
        first: TracedLayer,
    ) -> Finding:
        size = times(1 / fade.ratio) if fade.ratio > 0 else "to zero"
        activation = f" with {first.activation}" if first.activation else ""
        return self.finding(
            level,
            f"gradient fades {size} from {short(shape.names[-1])} to {short(shape.names[0])}",
            f"Over the run the gradient of a weight is {number(shape.values[-1])} in "
            f"{called(shape.names[-1])} but {number(shape.values[0])} in "
            f"{called(shape.names[0])}: each layer{activation} multiplies it by about "
            f"{number(fade.per_layer)} on its way back. {_impact(state, facts)}",
            (*facts, *learning_evidence(state)),
            layers=shape.names[: max(len(shape) // 2, 1)],
            steps=window(first, GRADIENT_RMS),
            confidence=confidence(fade.ratio, t.GRADIENT_FADED, len(facts)),
        )


def _before_training(case: Case) -> Fading | None:
    """How the untrained net's gradient fades; None where it is not known."""
    readings = [layer.readings.gradient_rms for layer in initial_layers(case)]
    known = [value for value in readings if value is not None]
    return fading(known) if len(known) > 1 else None


def _brought_about(found: Finding) -> Finding:
    """A gradient that reached the first layer before training was lost by what happened since."""
    causes = ("LRN101", "ACT101")
    kept = tuple(code for code in found.explains if code not in causes)
    return dataclasses.replace(found, explains=kept)


def _signs(first: TracedLayer, before: Fading | None) -> Iterable[Evidence]:
    """Weights that hardly move, and the same picture before training."""
    moved = profile((first,), UPDATE_RATIO).values
    if moved and moved[0] < t.EARLY_UPDATE:
        yield below("update-to-weight ratio", moved[0], t.EARLY_UPDATE, layer=first.name)
    if before is not None and before.fades:
        yield before.evidence("the same ratio before training", first.name)


def _silenced(trace: Trace) -> bool:
    """Whether a layer has hardly a live unit: its gradient is zero for that reason."""
    last = (layer[SILENT_SHARE].last for layer in trace.layers)
    return any(share is not None and share > _SILENCED for share in last)


def _level(state: LearningState, signs: tuple[Evidence, ...]) -> Level | None:
    if not state.known:
        return Level.WARNING if signs else None
    return gated(state, 1 + len(signs))


def _impact(state: LearningState, signs: tuple[Evidence, ...]) -> str:
    moved = next((sign for sign in signs if sign.statistic.startswith("update")), None)
    still = "" if moved is None else f"An update changes its weights by {number(moved.value)}. "
    if state.final is None or state.constant is None:
        return f"{still}Its weights cannot learn."
    stays = f"{still}The loss stays at {number(state.final, 4)}"
    if not state.constant_known:
        return f"{stays}; at the start it was {number(state.constant, 4)}."
    return f"{stays}, where a constant prediction costs {number(state.constant, 4)}."
