"""CRV104: the training ends while its loss still falls."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact, learning_evidence
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
        state = state_of(case)
        pace = state.pace or 0.0
        memorises = state.validation_removed is not None and state.validation_removed < 0 < (
            state.removed or 0.0
        )
        slow = state.progress is Progress.SLOW and not memorises
        if not slow or case.history.planned_steps is None or state.final is None:
            return
        evidence: tuple[Evidence, ...] = (
            above("loss that one more training would remove", pace, t.UNFINISHED),
            fact("steps", state.steps),
        )
        yield self.finding(
            Level.WARNING,
            f"the training ends at {number(state.final)} while the loss still falls",
            f"After all {state.steps:,} planned steps the loss is {number(state.final)}, only "
            f"{percent(state.removed or 0.0)} below a constant prediction, and it still falls: "
            f"another training of this length would remove about {percent(min(pace, 1.0))}. It "
            "needs more epochs or larger steps.",
            (*evidence, *learning_evidence(state)),
            steps=(state.steps // 2, state.steps),
            confidence=confidence(max(pace, 1e-9), t.UNFINISHED, 1),
        )
