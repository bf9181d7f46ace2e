"""CRV103: the validation loss rises while the training loss falls."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.expected_loss import majority_share
from torchclinic.functional.learning import LearningState
from torchclinic.functional.noise import step_noise
from torchclinic.functional.robust import median, quantile
from torchclinic.functional.skill import metric_skill, skills
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.initial import VALUE_LOSSES
from torchclinic.rules.modes import modes_differ
from torchclinic.rules.more_rows import too_few
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class Overfitting(Rule):
    """The model fits the training rows better and better and unseen rows worse and worse.

    ## What it does
    Compares the level of the last third of the validation losses with the best level before. It
    fires where they end a quarter higher, beyond their own noise, while the training loss went on
    falling, and where that costs something: a share of what a constant prediction costs, or of
    the metric. It also fires where the validation loss never follows the training loss at all.

    ## Why is this bad?
    What the model learns after the turning point is noise of the training rows. The weights that
    are kept are worse than those of an earlier step.

    ## Known problems
    A cross-entropy often rises late in a healthy training, since a few rows are wrong with growing
    confidence while the accuracy holds: therefore the metric has a say. With early stopping or
    kept best weights it is only an info. Where the metric holds but stays far below that of the
    training rows, the training is tried on every second row: it is a warning where the learning
    curve says that more rows would help.

    ## Example
    `Recipe(model=wide_net, data=fifty_noisy_points, epochs=1500, ...)`

    ## Use instead
    `Recipe(..., early_stopping=EarlyStopping(patience=5))`

    ## References
    Prechelt 1998, "Early Stopping - But When?"; Srivastava et al. 2014 (dropout); Hestness et al.
    2017, arXiv 1712.00409 (learning curves).
    """

    code = "CRV103"
    name = "overfitting"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.CURVE
    needs = frozenset({"history"})
    explains = ()
    remedies = ("early-stopping", "dropout", "weight-decay")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the validation curve has turned, or never followed."""
        assert case.history is not None
        curve = [p for p in case.history.curve("validation") if math.isfinite(p[1])]
        state = state_of(case)
        if len(curve) < t.OVERFIT_EVALUATIONS or state.removed is None or state.hurt:
            return
        if modes_differ(case):
            return  # its own rows do as badly in evaluation mode
        if _below_chance(case, state, curve):
            yield self._apart_from_the_start(case, state, curve)
            return
        turn = _turn(curve, state)
        if turn is not None and _costs(case, turn):
            yield _graded(self._turned(case, state, turn), case)
        elif _never_followed(case, state):
            yield _graded(self._apart(case, state, curve), case)
        elif too_few(case) is not None:
            yield _graded(self._behind(case, state, curve), case)

    def _turned(self, case: Case, state: LearningState, turn: Turn) -> Finding:
        worse = (_on_others(case, state) or 0.0) < 0
        return self.finding(
            _level(case, state),
            f"validation loss rises {percent(turn.rise)} from its best near step {turn.step:,}",
            f"The validation loss was {number(turn.best)} near step {turn.step:,} and ends at "
            f"{number(turn.last)}, while the training loss falls to "
            f"{number(state.train_loss or 0.0)}. From there on the model learns its rows by heart."
            + (" It ends worse than a constant prediction." if worse else ""),
            (
                above("validation loss over its best, relative", turn.rise, t.OVERFIT_RISE),
                above("share of the constant's loss given back", turn.lost, t.OVERFIT_LOST),
                *_metrics(case),
            ),
            steps=(turn.step, state.steps),
            confidence=confidence(turn.rise, t.OVERFIT_RISE, 2),
        )

    def _apart(
        self, case: Case, state: LearningState, curve: Sequence[tuple[int, float]]
    ) -> Finding:
        gap = _gap(case, state)
        return self.finding(
            _level(case, state),
            f"fits its own rows ({percent(state.removed or 0.0)} of the loss removed), not others "
            f"({_unseen(case, state)})",
            f"The training loss ends at {number(state.train_loss or 0.0)}, the validation loss at "
            f"{number(curve[-1][1])}, where a constant prediction costs "
            f"{number(state.constant or 0.0)}. The model learns rows by heart; if the validation "
            "loss never fell, the labels may not belong to the inputs.",
            (above("loss removed, train minus validation", gap, t.OVERFIT_GAP), *_metrics(case)),
            steps=(1, state.steps),
            confidence=confidence(gap, t.OVERFIT_GAP, 1),
        )

    def _behind(
        self, case: Case, state: LearningState, curve: Sequence[tuple[int, float]]
    ) -> Finding:
        return self.finding(
            Level.INFO,
            "its own rows are known better than others",
            f"The training loss ends at {number(state.train_loss or 0.0)}, the validation loss at "
            f"{number(curve[-1][1])}.",
            tuple(_metrics(case)),
            steps=(1, state.steps),
            confidence=0.6,
        )

    def _apart_from_the_start(
        self, case: Case, state: LearningState, curve: Sequence[tuple[int, float]]
    ) -> Finding:
        skill, best = metric_skill(case, "validation") or 0.0, min(value for _, value in curve)
        return self.finding(
            Level.WARNING,
            f"validation is worse than chance throughout: the loss is {number(best)} at best",
            f"The validation loss is never below {number(best)}, where a constant prediction costs "
            f"{number(state.constant or 0.0)}, and the metric is below that of a constant, while "
            f"the training loss falls to {number(state.train_loss or 0.0)}. A model that learns "
            "its rows by heart is no worse than chance on others: the two parts do not mean the "
            "same by their inputs or their labels. Compare how either is made, coded and scaled.",
            (
                above("validation metric below that of a constant, by", -skill, t.BELOW_CHANCE),
                fact("lowest validation loss", best),
                *_metrics(case),
            ),
            steps=(curve[0][0], state.steps),
            confidence=0.8,
            remedies=(),
        )


def _graded(finding: Finding, case: Case) -> Finding:
    """A warning where the validation metric holds, too, if more rows would lift it."""
    found = too_few(case) if finding.level is Level.INFO else None
    if found is None:
        return finding
    rows = None if case.recipe is None else case.recipe.train_rows
    others = None if case.recipe is None else case.recipe.validation_rows
    slice_ = (
        " Was a slice of the data left in, from debugging?" if (rows or 0) < (others or 0) else ""
    )
    count = f"{rows:,} rows" if rows else "the rows"
    return dataclasses.replace(
        finding,
        level=Level.WARNING,
        title=f"{count} are few: of others {percent(found.full)} is known, with half of them "
        f"{percent(found.half)}",
        explanation=f"Trained on every second row, the model knows {percent(found.half)} of what "
        f"can be known of validation rows, trained on all {percent(found.full)}. If that goes on, "
        f"twice as many rows would teach it {percent(found.twice)}.{slice_} Where there are no "
        "more, draw new ones by augmentation, start from a pretrained model, or take a smaller "
        f"one. {finding.explanation}",
        evidence=(
            above("what twice as many rows would teach more", found.gain, t.FEW_ROWS_GAIN),
            above("what all rows teach more than half", found.z, t.FEW_ROWS_Z, "std"),
            *finding.evidence,
        ),
    )


@dataclass(frozen=True)
class Turn:
    """Where a validation curve turned.

    Attributes:
        step: Of its best level.
        best: That level.
        last: Level of the last third.
        rise: last / best - 1.
        lost: Share of the constant prediction's loss that was given back.
    """

    step: int
    best: float
    last: float
    rise: float
    lost: float


def _below_chance(case: Case, state: LearningState, curve: Sequence[tuple[int, float]]) -> bool:
    """Its own rows are learnt, and others are answered worse than by a constant, ever since."""
    train, unseen = metric_skill(case, "train"), metric_skill(case, "validation")
    if train is None or unseen is None or not state.constant_known or state.constant is None:
        return False
    counts = None if case.batch is None else case.batch.targets.class_counts
    rows = case.recipe.validation_rows if case.recipe is not None else None
    if not counts or not rows:
        return False
    base = majority_share(counts.values())
    noise = 2 * math.sqrt(base / max(rows * (1 - base), 1e-9))
    never = min(value for _, value in curve) > 0.95 * state.constant
    return never and train > t.LABEL_SKILL and unseen < -t.BELOW_CHANCE - noise


def _unseen(case: Case, state: LearningState) -> str:
    removed = _on_others(case, state) or 0.0
    return percent(removed) if removed >= 0 else "worse than a constant"


def _turn(curve: Sequence[tuple[int, float]], state: LearningState) -> Turn | None:
    """The turn of a curve that ends above its best by more than its noise."""
    late = curve[-max(len(curve) // 3, 2) :]
    early = curve[: len(curve) - len(late)]
    values = [value for _, value in early]
    smooth = [median(values[max(i - 1, 0) : i + 2]) for i in range(len(values))]
    place = min(range(len(smooth)), key=lambda i: smooth[i])
    best, last = max(smooth[place], values[place]), median([value for _, value in late])
    noise = step_noise([value for _, value in curve]) / math.sqrt(len(late))
    if not best > 0 or last / best - 1 <= t.OVERFIT_RISE or last - best <= 2 * noise:
        return None
    trained_on = state.final is not None and state.final < 0.9 * last
    width = abs((state.constant or 1.0) - state.floor) or 1.0
    lost = (last - best) / width
    return Turn(curve[place][0], best, last, last / best - 1, lost) if trained_on else None


def _costs(case: Case, turn: Turn) -> bool:
    """Whether the turn loses something that counts."""
    by_values = case.recipe is not None and case.recipe.loss_kind in VALUE_LOSSES
    alone = not by_values and not skills(case, "validation")
    return turn.lost > (t.OVERFIT_LOST_ALONE if alone else t.OVERFIT_LOST)


def _metric_holds(case: Case) -> bool:
    """Whether a metric exists that has not fallen from its best, so that only the loss rises."""
    scores = skills(case, "validation")
    if len(scores) < t.OVERFIT_EVALUATIONS:
        return False
    late = median(scores[-max(len(scores) // 3, 2) :])
    noise = step_noise(scores)
    return quantile(scores, 0.9) - late <= max(t.OVERFIT_METRIC, 2 * noise)


def _never_followed(case: Case, state: LearningState) -> bool:
    """Whether what is learnt on its own rows does not show on others, in loss and metric alike."""
    if (_on_others(case, state) or 0.0) >= t.WANTING:
        return False  # nothing is left to wish for, or the scale of the loss is not known
    metric_gap = _metric_gap(case)
    apart = metric_gap is None or metric_gap > t.OVERFIT_METRIC_GAP
    unseen = _on_others(case, state)
    below = unseen is not None and unseen < 0
    return apart and _gap(case, state) > (t.OVERFIT_METRIC_GAP if below else t.OVERFIT_GAP)


def _on_others(case: Case, state: LearningState) -> float | None:
    """Share of the loss removed on validation rows; by R2, where their targets spread otherwise."""
    removed = state.validation_removed
    if removed is None or case.history is None or case.history.metric != "r2":
        return removed
    return max(removed, metric_skill(case, "validation") or removed)


def _gap(case: Case, state: LearningState) -> float:
    unseen = _on_others(case, state)
    if state.removed is None or unseen is None:
        return 0.0
    return state.removed - max(unseen, -9.99)


def _metric_gap(case: Case) -> float | None:
    train, validation = metric_skill(case, "train"), metric_skill(case, "validation")
    return train - validation if train is not None and validation is not None else None


def _metrics(case: Case) -> Iterable[Evidence]:
    gap = _metric_gap(case)
    if gap is not None:
        yield fact("rescaled metric, train minus validation", gap)


def _level(case: Case, state: LearningState) -> Level:
    stops = case.recipe is not None and case.recipe.early_stopping
    kept = case.history is not None and case.history.best_step is not None
    if stops or kept:
        return Level.INFO
    gap = _metric_gap(case)
    lost = (_on_others(case, state) or 0.0) < 0 and (gap is None or gap > t.OVERFIT_WIDE)
    if _metric_holds(case):
        return Level.WARNING if lost else Level.INFO
    return Level.ERROR if lost and state.fine else Level.WARNING
