"""ACT101: ReLU units die during training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.core.trace import SILENT_SHARE, TracedLayer
from torchclinic.functional.robust import finite
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, learning_evidence
from torchclinic.rules.grading import confidence, gated, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.traced import window
from torchclinic.rules.wording import called, percent, short


@register
class DyingRelu(Rule):
    """ReLU units fall silent for every input during training.

    ## What it does
    Follows the share of units that were silent on every one of the last 512 samples or more. It
    fires where nearly a whole hidden layer is silent, or no more than two of its units are left,
    and the training suffers. Where half of a layer is silent and the rest works it is an info: the
    gradient still gets through.

    ## Why is this bad?
    A unit whose pre-activation is negative for all inputs has output and gradient zero, and no
    update brings it back. One step that is too large can push a whole layer there; from then on
    the model gives a constant.

    ## Known problems
    The share of *zeros* is no sign: it is 50 to 90 % in healthy nets. Large nets that learn well
    may carry many silent units, which is only an info.

    ## Example
    `optimizer = SGD(model.parameters(), lr=10.0)`

    ## Use instead
    `optimizer = SGD(model.parameters(), lr=0.1)`

    ## References
    Lu et al. 2019, arXiv 1903.06733; Maas et al. 2013 (leaky ReLU); SageMaker Debugger, rule
    DeadRelu.
    """

    code = "ACT101"
    name = "dying-relu"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.NUMERICS
    needs = frozenset({"trace"})
    explains = ("GRD101", "LRN102", "WIR102", *LEARNING_CURVES)
    remedies = ("learning-rate", "leaky-activations", "reinitialise", "batch-norm", "warm-up")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the layer with the largest silent share."""
        assert case.trace is not None
        dying = [d for d in (_dying(case, layer) for layer in case.trace.layers) if d is not None]
        if not dying:
            return
        worst, state = max(dying, key=lambda d: d.share), state_of(case)
        most, rose = worst.share > t.DEAD_ERROR, worst.rise > t.DEAD_RISE
        left = _live_units(case, worst)
        few = state.hurt and left is not None and left < t.LIVE_UNITS
        blocked = worst.share > t.DEAD_LAYER or few
        level = gated(state, 2 + int(rose)) if blocked else Level.INFO
        if level is Level.INFO and not most:
            return
        name = worst.layer.name
        story = (
            f"rose from {percent(worst.share - worst.rise)} to {percent(worst.share)}"
            if rose
            else f"is {percent(worst.share)} since the start"
        )
        yield self.finding(
            level,
            f"{percent(worst.share)} of the units of {short(name)} are silent for every input",
            f"The share of {worst.layer.activation or 'ReLU'} units of {called(name)} that give "
            f"0 on every recent sample {story}. They pass no gradient, so no update brings them "
            f"back.{_what_is_left(left, blocked=blocked)}",
            (*_facts(worst), *learning_evidence(state)),
            layers=[d.layer.name for d in sorted(dying, key=lambda d: -d.share)],
            steps=window(worst.layer, SILENT_SHARE),
            confidence=confidence(worst.share, t.DEAD_WARN, int(most) + int(rose)),
        )


def _live_units(case: Case, worst: _Dying) -> int | None:
    layer = case.recipe.model.layer(worst.layer.name) if case.recipe is not None else None
    units = layer.weight_shape[0] if layer is not None and layer.weight_shape else None
    return None if units is None else round((1 - worst.share) * units)


def _what_is_left(left: int | None, *, blocked: bool) -> str:
    if left is None:
        return ""
    if blocked:
        return f" {left} units are left to carry all that the layers after it get."
    return f" {left} units are left, through which gradients still pass: rarely the cause."


@dataclass(frozen=True)
class _Dying:
    layer: TracedLayer
    share: float
    rise: float


def _facts(worst: _Dying) -> Iterable[Evidence]:
    name = worst.layer.name
    if worst.share > t.DEAD_ERROR:
        yield above("share of silent units", worst.share, t.DEAD_ERROR, layer=name)
    if worst.rise > t.DEAD_RISE:
        yield above("rise of the share of silent units", worst.rise, t.DEAD_RISE, layer=name)


def _dying(case: Case, layer: TracedLayer) -> _Dying | None:
    values = finite(layer[SILENT_SHARE].values)
    if not values or _is_output(case, layer.name):
        return None
    share, start = values[-1], values[0]
    before = case.batch.layer(layer.name) if case.batch is not None else None
    if before is not None and before.silent_share is not None:
        start = before.silent_share
    rise = max(share - start, 0.0)
    return _Dying(layer, share, rise) if share > t.DEAD_ERROR or rise > t.DEAD_RISE else None


def _is_output(case: Case, name: str) -> bool:
    layer = case.recipe.model.layer(name) if case.recipe is not None else None
    return layer is not None and layer.output
