"""CRV101: the loss does not fall."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.functional.progress import Progress
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import below, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.knowing import as_good_as_neighbours
from torchclinic.rules.rates import helps
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class Plateau(Rule):
    """The training loss has stopped falling, no better than a constant prediction.

    ## What it does
    Compares the loss with what the best constant prediction costs, and fits a robust slope with
    its confidence interval to the second half of the curve. It fires where little is removed and
    the slope is not worth mentioning.

    ## Why is this bad?
    A model as good as a constant has learnt nothing from its inputs. More steps will not change
    that while the slope is zero.

    ## Known problems
    It names a symptom. Where no cause is found above it, the one-batch test narrows it down: a
    model that can learn a batch by heart but not the data has labels that do not belong to the
    inputs, too little capacity, or inputs that say nothing of the target. Some nets stay on a
    plateau for long before they learn.

    ## Example
    `loss: 2.304, 2.303, 2.303, 2.303, ...  # ten classes: ln 10 = 2.303`

    ## Use instead
    See the findings ranked above it, or the hints in its explanation.

    ## References
    Karpathy 2019 (input-independent baseline); TheDeepChecker (Ben Braiek & Khomh 2023); Sen 1968.
    """

    code = "CRV101"
    name = "plateau"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.CURVE
    any_of = ("history", "trace")
    explains = ()
    remedies = ("learning-rate", "adamw", "batch-norm", "reinitialise", "relu-activations")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for a training that is stuck, or that stopped early on."""
        state = state_of(case)
        stuck = state.progress is Progress.STUCK
        weak = state.progress is Progress.WEAK and _underfits(case, state)
        weak = weak or _no_longer(case, state)
        early = weak and not as_good_as_neighbours(case)
        if not (stuck or early) or state.final is None or state.constant is None:
            return
        yield self.finding(
            Level.ERROR if stuck else Level.INFO if _has_entropy(case) else Level.WARNING,
            _title(state, state.final, state.constant),
            f"Over the second half of {state.steps:,} steps the loss stays near "
            f"{number(state.final, 4)}; {_yardstick(state, state.constant)}. {_hint(case, state)}",
            (*_removed(state), *_slope(state), *_skill(state)),
            steps=(state.steps // 2, state.steps),
            confidence=0.8 if stuck else 0.5,
        )


def _has_entropy(case: Case) -> bool:
    """Whether tokens are predicted at many places of a row: texts have an entropy of their own."""
    batch = case.batch
    return batch is not None and batch.inputs.kind == "tokens" and len(batch.targets.shape) > 1


def _no_longer(case: Case, state: LearningState) -> bool:
    """The loss still falls a little, but a training of three times the length gets no farther."""
    longer, removed = case.longer, state.removed or 0.0
    slow = state.progress is Progress.SLOW and removed < t.LEARNING.underway
    return slow and longer is not None and not helps(case, longer)


def _underfits(case: Case, state: LearningState) -> bool:
    """Little is removed, and as little on other rows: it is not the data's noise that limits it."""
    values = case.recipe is not None and case.recipe.task == "regression"
    removed, unseen = state.removed or 0.0, state.validation_removed
    if removed >= (t.PLATEAU_VALUES if values else t.PLATEAU_WARN):
        return False
    return unseen is None or removed - unseen < t.PLATEAU_GAP


def _title(state: LearningState, final: float, constant: float) -> str:
    if state.constant_known and state.progress is Progress.STUCK:
        return (
            f"loss stays at {number(final, 4)}; a constant prediction costs {number(constant, 4)}"
        )
    return f"loss stops at {number(final)}, {percent(state.removed or 0.0)} below the start"


def _yardstick(state: LearningState, constant: float) -> str:
    if not state.constant_known:
        return f"it began at {number(constant, 4)}"
    return f"the best constant prediction costs {number(constant, 4)}"


def _hint(case: Case, state: LearningState) -> str:
    test = case.one_batch
    if case.longer is not None and not helps(case, case.longer):
        return (
            f"A training of {case.longer.steps:,} steps was tried: it ends at "
            f"{number(case.longer.tried)} on {case.longer.split} rows, where this one ends at "
            f"{number(case.longer.loss)}. More steps are not what is missing."
        )
    if state.slope is not None and state.slope.falls and state.steps < t.MANY_STEPS:
        return (
            f"It still falls a little all the time: {state.steps:,} updates may be too few, or too "
            "small, to see more."
        )
    if test is None:
        return "The model has learnt little or nothing from its inputs."
    if not test.passed:
        return "It cannot learn a single batch by heart either, so look at the model and the loss."
    if state.steps < t.FEW_STEPS:
        return (
            f"Yet it can learn {test.rows} rows by heart, and a run of {state.steps:,} updates "
            "says little: train longer, or in larger steps, before anything else is changed."
        )
    return (
        f"Yet it can learn {test.rows} rows by heart, so loss and wiring work: what remains are "
        "labels that do not belong to the inputs, too little capacity, or a learning rate and "
        "initialisation that do not fit."
    )


def _removed(state: LearningState) -> Iterable[Evidence]:
    if state.removed is not None:
        what = "share of the constant prediction's loss removed"
        yield below(what, state.removed, t.PLATEAU_WARN)


def _slope(state: LearningState) -> Iterable[Evidence]:
    limit = t.Threshold(t.LEARNING.pace, "here", "share removed by one more full training")
    pace = state.pace or 0.0
    if pace < limit:
        yield below("share that one more full training would remove", pace, limit)
    elif state.slope is not None:
        yield fact("upper end of the slope's interval, a step", state.slope.high)


def _skill(state: LearningState) -> Iterable[Evidence]:
    if state.skill is not None:
        yield fact("metric, 0 is a constant prediction and 1 perfect", state.skill)
