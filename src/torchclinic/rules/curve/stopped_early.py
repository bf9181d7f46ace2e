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
from torchclinic.rules.rates import helps
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class StoppedEarly(Rule):
    """The planned training ends while the loss still falls and little has been learnt.

    ## What it does
    Looks at a training that was watched to its planned end: it fires where less than 30 % of the
    constant prediction's loss is gone and the slope at the end, with its confidence interval,
    would remove much more in another training of the same length. A training of less than 150
    updates that learns little is made once more, three times as long and at least 150 updates: it
    fires where that ends markedly better.

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
        if planned is None or state.final is None:
            return
        if case.history.ending == "early-stopping":
            yield from self._given_up(case, state, planned)
        if not state.complete or _memorises(state) or _own_rows_only(state):
            return
        if case.longer is not None and not helps(case, case.longer):
            return
        if state.progress is Progress.SLOW:
            yield self._slow(case, state, state.final)
        elif state.poor and _only_short(case, state):
            yield self._short(case, state, state.final)

    def _given_up(self, case: Case, state: LearningState, planned: int) -> Iterable[Finding]:
        """Early stopping that did not wait, while each evaluation was better than the last."""
        assert case.history is not None
        curve = case.history.curve("validation")
        width = (state.constant or 0.0) - state.floor
        if len(curve) < 2 or not state.constant_known or not width > 0 or state.near_perfect:
            return
        (_, before), (step, last) = curve[-2:]
        lowest = last <= min(value for _, value in curve)
        fell = (before - last) / width
        if not lowest or fell <= t.STILL_BETTER or step > t.STOPPED_SHARE * planned:
            return
        rule = case.recipe.patience if case.recipe is not None else None
        delta = case.recipe.min_delta if case.recipe is not None else 0.0
        settings = (
            ""
            if rule is None
            else (f" It waits for {rule} evaluations without an improvement of {number(delta)}.")
        )
        yield self.finding(
            Level.WARNING,
            f"early stopping ends the run after {step:,} of {planned:,} steps, while it gains",
            f"The run was ended after {step:,} of {planned:,} steps, at its best validation loss "
            f"so far: {number(last)}, after {number(before)} at the evaluation before, where a "
            f"constant prediction costs {number(state.constant or 0.0)}.{settings} Give it more "
            "patience, and a min_delta that is small beside what an epoch gains.",
            (
                above("share of the loss removed since the last evaluation", fell, t.STILL_BETTER),
                fact("share of the planned steps", step / planned),
                *learning_evidence(state),
            ),
            steps=(1, step),
            confidence=0.85,
            explains=("CRV101", "CRV105", "WIR104"),
            remedies=(),
        )

    def _slow(self, case: Case, state: LearningState, final: float) -> Finding:
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
            f"needs more epochs or larger steps.{_tried(case)}",
            (*evidence, *learning_evidence(state)),
            steps=(state.steps // 2, state.steps),
            confidence=confidence(max(pace, 1e-9), t.UNFINISHED, 1),
            explains=("CRV105",) if case.longer is not None else (),
        )

    def _short(self, case: Case, state: LearningState, final: float) -> Finding:
        falls = "The loss falls throughout, but so" if _falls(state) else "So"
        return self.finding(
            Level.WARNING,
            f"the training is over after {state.steps} steps, with the loss at {number(final)}",
            f"All of the planned training is {state.steps} updates{_of_an_epoch(case, state)}. "
            f"{falls} few steps take it only from {number(state.initial or 0.0)} to "
            f"{number(final)}. It needs more epochs or larger steps.{_tried(case)}",
            (below("updates in all", state.steps, t.FEW_STEPS), *learning_evidence(state)),
            steps=(1, state.steps),
            confidence=0.5 if case.longer is None else 0.85,
            explains=("CRV101", "CRV105"),
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


def _only_short(case: Case, state: LearningState) -> bool:
    """Few updates, of which more would help: a longer training shows it, or the slope."""
    if state.steps >= t.FEW_STEPS:
        return False
    shown = case.longer is not None and helps(case, case.longer)
    return shown or (state.progress is Progress.STUCK and _falls(state))


def _falls(state: LearningState) -> bool:
    return state.slope is not None and state.slope.falls


def _of_an_epoch(case: Case, state: LearningState) -> str:
    """How much of the rows a training of a few updates has seen."""
    rows, batch = None, None
    if case.recipe is not None:
        rows, batch = case.recipe.train_rows, case.recipe.batch_size
    if not rows or not batch or state.steps * batch >= rows:
        return ""
    share = percent(state.steps * batch / rows)
    return f" ({share} of an epoch; were epochs meant, and not steps?)"


def _own_rows_only(state: LearningState) -> bool:
    """What is gained on its own rows is lost on others."""
    unseen = state.validation_removed
    removed = state.removed or 0.0
    return unseen is not None and removed > t.LEARNING.begun and unseen < 0.4 * removed


def _tried(case: Case) -> str:
    """What a longer training and a larger rate were seen to reach."""
    longer, trial = case.longer, case.trial
    said: list[str] = []
    if longer is not None:
        said.append(f"{longer.steps:,} steps end at {number(longer.tried)}")
    if trial is not None:
        said.append(f"the same steps at a rate of {number(trial.rate)} at {number(trial.tried)}")
    before = longer or trial
    if before is None:
        return ""
    return f" Tried, on {before.split} rows: {', '.join(said)}, in place of {number(before.loss)}."


def _memorises(state: LearningState) -> bool:
    """Its own rows get better and others worse: more steps would not help."""
    unseen = state.validation_removed
    return unseen is not None and unseen < 0 < (state.removed or 0.0) - t.LEARNING.begun
