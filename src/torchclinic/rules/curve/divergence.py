"""CRV102: the loss rises."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number


@register
class Divergence(Rule):
    """The training loss rises and does not come back.

    ## What it does
    Compares the level at which the loss ends with the lowest level of any stretch of the curve,
    and with its start. It fires where the end is more than twice the best and the rise is worth
    half of what a constant prediction costs, or where the loss became non-finite.

    ## Why is this bad?
    The optimizer leaves the region where its steps lower the loss. What was learnt is lost.

    ## Known problems
    It names a symptom; the usual causes are a learning rate that is too large, inputs or targets
    without scaling, a flipped sign, or exploding gradients. A single spike is not reported.

    ## Example
    `loss: 2.3, 1.9, 4.7, 81.0, 1.2e4, nan`

    ## Use instead
    A learning rate a tenth of that at which the range test diverges, with warm-up or clipping.

    ## References
    TheDeepChecker (Ben Braiek & Khomh 2023), diverging loss; Smith 2017, arXiv 1506.01186.
    """

    code = "CRV102"
    name = "divergence"
    levels = (Level.ERROR,)
    stage = Stage.CURVE
    any_of = ("history", "trace")
    explains = ()
    remedies = ("learning-rate", "clip-gradient", "warm-up", "standardise-inputs")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for a training that diverged."""
        state = state_of(case)
        if state.progress is not Progress.DIVERGED:
            return
        yield self.finding(
            Level.ERROR,
            _title(state),
            _text(state),
            tuple(_evidence(state)),
            steps=(1, state.steps),
            confidence=0.85,
        )


def _title(state: LearningState) -> str:
    if state.nonfinite_step is not None and not state.recovered:
        return f"the loss is lost: not finite from step {state.nonfinite_step:,} on"
    if state.final is None or state.best is None:
        return "the training diverged"
    return f"the loss diverges: it ends at {number(state.final)} after {number(state.best)}"


def _text(state: LearningState) -> str:
    if state.final is None or state.best is None or state.initial is None:
        return "The run ended before its loss could be followed. What it learnt is lost."
    return (
        f"The loss starts at {number(state.initial)}, is {number(state.best)} at its best and "
        f"ends at {number(state.final)}. The steps lead away from what lowers it."
    )


def _evidence(state: LearningState) -> Iterable[Evidence]:
    if state.nonfinite_step is not None:
        yield fact("first step with a non-finite loss", state.nonfinite_step)
    if state.final is not None and state.best is not None and state.initial is not None:
        yield from _rise("final loss over the best", state.final, state.best, t.LEARNING.rise)
        yield from _rise(
            "final loss over the initial", state.final, state.initial, t.LEARNING.blown
        )
        yield fact("final loss", state.final)
    if state.nonfinite_step is None and state.final is None:
        yield fact("steps before it ended", state.steps)


def _rise(what: str, final: float, base: float, factor: float) -> Iterable[Evidence]:
    limit = t.Threshold(factor, "here; TheDeepChecker (Ben Braiek & Khomh 2023)")
    if base > 0 and final / base > limit:
        yield above(what, final / base, limit)
