"""WIR113: a hidden layer too narrow for what must pass it."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, LayerFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import below, fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.initial import scores_a_row
from torchclinic.rules.knowing import lacking
from torchclinic.rules.rates import proven_low
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import called, short


@register
class Bottleneck(Rule):
    """All that the model knows of a row passes through one or two numbers.

    ## What it does
    Looks for a hidden layer, or an embedding, of one or two units through which all passes: when
    every row is given their mean, all outputs are the same. It fires where the training learns
    badly or knows much less than a row's neighbours do.

    ## Why is this bad?
    Ten classes that lie along one line can be told apart only by bands of that one number, which
    training hardly ever finds; two hidden units draw two bends.

    ## Known problems
    A code of two numbers that is to be drawn is narrow on purpose: where the model learns nothing
    is said.

    ## Example
    `nn.Sequential(nn.Linear(64, 1), nn.Tanh(), nn.Linear(1, 10))`

    ## Use instead
    `nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))`

    ## References
    Goodfellow, Bengio & Courville 2016, "Deep Learning", section 5.2 (capacity, underfitting).
    """

    code = "WIR113"
    name = "bottleneck"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.CURVE  # any other cause makes a narrow layer irrelevant
    needs = frozenset({"recipe", "batch"})
    explains = tuple(code for code in LEARNING_CURVES if code not in ("WIR111", "WIR113"))
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the narrowest layer."""
        assert case.recipe is not None
        state = state_of(case)
        suffers = state.poor or lacking(case) is not None
        narrow = [
            (units, layer)
            for layer in case.recipe.model.layers
            if (units := _units(layer)) is not None and units < t.NARROW and _holds_all(case, layer)
        ]
        if not narrow or not suffers or state.progress.value == "diverged" or proven_low(case):
            return
        units, layer = min(narrow, key=lambda pair: (pair[0], pair[1].order))
        classes = scores_a_row(case)
        failed = case.one_batch is not None and not case.one_batch.passed
        if not (failed or lacking(case) is not None or (classes or 0) > 2):
            return
        level = gated(state, 2 + int(failed))
        many = f" to tell {classes} outputs apart" if classes is not None and classes > 2 else ""
        numbers = "one number" if units == 1 else f"{units} numbers"
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"a bottleneck: {short(layer.name)} has {units} unit{'s' if units > 1 else ''}",
            f"Whatever the model knows of a row passes through the {numbers} of "
            f"{called(layer.name)}{many}."
            + (" It cannot learn a handful of rows by heart either." if failed else "")
            + " Make that layer wider.",
            (
                below("units of the narrowest layer", units, t.NARROW, layer=layer.name),
                *(() if classes is None else (fact("outputs a row", classes),)),
                *learning_evidence(state),
            ),
            layers=[layer.name],
            confidence=0.8,
        )


def _holds_all(case: Case, layer: LayerFacts) -> bool:
    """Whether rows are alike without it: a gate or a score of attention is narrow and no matter."""
    reach = case.batch.reach if case.batch is not None else None
    return reach is not None and layer.name in reach.narrow


def _units(layer: LayerFacts) -> int | None:
    """Units of a hidden layer through which all must pass; None for other layers."""
    if layer.output or layer.residual or len(layer.weight_shape) < 2:
        return None
    if "Embedding" in layer.kind:
        return layer.weight_shape[1]
    if layer.kind == "Linear" or layer.kind.startswith("Conv"):
        return layer.weight_shape[0] if "Transpose" not in layer.kind else layer.weight_shape[1]
    return None
