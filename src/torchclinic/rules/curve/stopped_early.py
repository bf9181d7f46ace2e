"""CRV104: the training ends while its loss still falls."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class StoppedEarly(Rule):
    """The planned training ends while the loss still falls and little has been learnt.

    ## What it does
    Looks at a training that was watched to its planned end: it fires where less than 30 % of the
    constant prediction's loss is gone and the slope at the end, with its confidence interval,
    would remove much more in another training of the same length.

    ## Why is this bad?
    The model could be better with what it has: the number of epochs, or the learning rate, is too
    small for the data.

    ## Known problems
    Whether to train longer or faster is for LRN101 to say, which outranks it. It does not speak
    of runs that were cut short for the diagnosis.

    ## Example
    `Recipe(..., epochs=1)  # loss: 2.30 -> 2.05, still falling`

    ## Use instead
    `Recipe(..., epochs=20)`

    ## References
    Li et al. 2020, arXiv 1907.06669 (budgeted training); Prechelt 1998.
    """

    code = "CRV104"
    name = "stopped-early"
    levels = (Level.WARNING,)
    stage = Stage.CURVE
    needs = frozenset({"history"})
    explains = ()
    remedies = ("learning-rate", "adamw", "momentum")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for a training that is slow to its end."""
        assert case.history is not None
        state, planned = state_of(case), case.history.planned_steps
        if not state.known and planned is not None and planned < t.LEARNING.fewest_steps:
            yield from self._hardly_begun(case, planned)
        if planned is None or state.final is None or not state.complete or _memorises(state):
            return
        if state.progress is Progress.SLOW:
            yield self._slow(state, state.final)
        elif state.progress is Progress.STUCK and _only_short(state):
            yield self._short(state, state.final)

    def _slow(self, state: LearningState, final: float) -> Finding:
        pace = state.pace or 0.0
        evidence: tuple[Evidence, ...] = (
            above("loss that one more training would remove", pace, t.UNFINISHED),
            fact("steps", state.steps),
        )
        return self.finding(
            Level.WARNING,
            f"the training ends at {number(final)} while the loss still falls",
            f"After all {state.steps:,} planned steps the loss is {number(final)}, only "
            f"{percent(state.removed or 0.0)} below a constant prediction, and it still falls: "
            f"another training of this length would remove about {percent(min(pace, 1.0))}. It "
            "needs more epochs or larger steps.",
            (*evidence, *learning_evidence(state)),
            steps=(state.steps // 2, state.steps),
            confidence=confidence(max(pace, 1e-9), t.UNFINISHED, 1),
        )

    def _short(self, state: LearningState, final: float) -> Finding:
        return self.finding(
            Level.WARNING,
            f"the training is over after {state.steps} steps, with the loss at {number(final)}",
            f"All of the planned training is {state.steps} updates. The loss falls throughout, but "
            f"so few steps take it only from {number(state.initial or 0.0)} to {number(final)}. It "
            "needs more epochs or larger steps.",
            (below("updates in all", state.steps, t.FEW_STEPS), *learning_evidence(state)),
            steps=(1, state.steps),
            confidence=0.5,
            explains=("CRV101",),
        )

    def _hardly_begun(self, case: Case, planned: int) -> Iterable[Finding]:
        """A plan of a handful of updates, after which the loss is a constant prediction's."""
        last = case.history.last("train") if case.history is not None else None
        expected = case.batch.expected_loss if case.batch is not None else None
        if last is None or expected is None or last.loss < (1 - t.LEARNING.begun) * expected:
            return
        yield self.finding(
            Level.WARNING,
            f"the whole training is {planned} steps, after which the loss is {number(last.loss)}",
            f"The plan makes {planned} updates in all, and then the loss is {number(last.loss)}, "
            f"where a constant prediction costs {number(expected)}. It needs more epochs or a "
            "smaller batch.",
            (below("updates in all", planned, t.FEW_STEPS), fact("training loss", last.loss)),
            confidence=0.6,
        )


def _only_short(state: LearningState) -> bool:
    return state.steps < t.FEW_STEPS and state.slope is not None and state.slope.falls


def _memorises(state: LearningState) -> bool:
    """Its own rows get better and others worse: more steps would not help."""
    unseen = state.validation_removed
    return unseen is not None and unseen < 0 < (state.removed or 0.0) - t.LEARNING.begun
