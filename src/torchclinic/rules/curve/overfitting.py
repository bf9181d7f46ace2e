"""CRV103: the validation loss rises while the training loss falls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.early_stop import generalisation_loss
from torchclinic.functional.learning import LearningState
from torchclinic.functional.noise import step_noise
from torchclinic.functional.skill import metric_skill
from torchclinic.functional.slope import theil_sen
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class Overfitting(Rule):
    """The model fits the training rows better and better and unseen rows worse and worse.

    ## What it does
    Asks for all of these: at least four evaluations; a validation loss that ends a quarter above
    its best, beyond its own noise; a positive robust slope since that best; a training loss far
    below it; and, where a metric is known, a metric that stays behind as well.

    ## Why is this bad?
    What the model learns after the turning point is noise of the training rows. The weights that
    are kept are worse than those of an earlier step.

    ## Known problems
    A cross-entropy often rises late in a healthy training, since a few rows are wrong with growing
    confidence while the accuracy holds: therefore the metric has a say. With early stopping or
    kept best weights it is only an info.

    ## Example
    `Recipe(model=wide_net, data=fifty_noisy_points, epochs=1500, ...)`

    ## Use instead
    `Recipe(..., early_stopping=EarlyStopping(patience=5))`

    ## References
    Prechelt 1998, "Early Stopping - But When?"; Srivastava et al. 2014 (dropout).
    """

    code = "CRV103"
    name = "overfitting"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.CURVE
    needs = frozenset({"history"})
    explains = ()
    remedies = ("early-stopping", "dropout", "weight-decay")

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the validation curve has turned."""
        assert case.history is not None
        curve = case.history.curve("validation")
        values = [value for _, value in curve if math.isfinite(value)]
        state = state_of(case)
        if len(values) < t.OVERFIT_EVALUATIONS or not state.known or state.removed is None:
            return
        turn = _turn(curve)
        gap = state.removed - max(state.validation_removed or 0.0, -9.99)
        if turn is None or gap < t.OVERFIT_GAP:
            return
        worse = (state.validation_removed or 0.0) < 0
        yield self.finding(
            _level(case, state, gap, worse=worse),
            f"validation loss rises {percent(turn.rise)} from its best at step {turn.step:,}",
            f"The validation loss was {number(turn.best)} at step {turn.step:,} and ends at "
            f"{number(turn.last)}, while the training loss falls to "
            f"{number(state.train_loss or 0.0)}. From there on the model learns its rows by heart."
            + (" It ends worse than a constant prediction." if worse else ""),
            (
                above("validation loss over its best, relative", turn.rise, t.OVERFIT_RISE),
                above("loss removed, train minus validation", gap, t.OVERFIT_GAP),
                fact("slope since the best, lower end, a step", turn.slope),
                *_metric_gap(case),
            ),
            steps=(turn.step, curve[-1][0]),
            confidence=min(0.5 + 0.2 * math.log10(1 + turn.rise / t.OVERFIT_RISE), 0.95),
        )


@dataclass(frozen=True)
class _Turn:
    step: int
    best: float
    last: float
    rise: float
    slope: float


def _turn(curve: Sequence[tuple[int, float]]) -> _Turn | None:
    """Where the curve turned, if it did so beyond noise and with a positive slope since."""
    points = [(step, value) for step, value in curve if math.isfinite(value)]
    step, best = min(points, key=lambda point: point[1])
    since = [(s, v) for s, v in points if s >= step]
    rise = generalisation_loss([value for _, value in points])
    noise = step_noise([value for _, value in points])
    if not rise > t.OVERFIT_RISE or len(since) < 3 or since[-1][1] - best <= 2 * noise:
        return None
    slope = theil_sen([float(s) for s, _ in since], [v for _, v in since])
    if slope is None or not slope.value > 0 or (len(since) >= 6 and not slope.rises):
        return None
    return _Turn(step, best, since[-1][1], rise, slope.low if len(since) >= 6 else slope.value)


def _metric_gap(case: Case) -> Iterable[Evidence]:
    train, validation = metric_skill(case, "train"), metric_skill(case, "validation")
    if train is not None and validation is not None:
        yield fact("rescaled metric, train minus validation", train - validation)


def _level(case: Case, state: LearningState, gap: float, *, worse: bool) -> Level:
    stops = case.recipe is not None and case.recipe.early_stopping
    kept = case.history is not None and case.history.best_step is not None
    metric_gap = next((e.value for e in _metric_gap(case)), None)
    if stops or kept or (metric_gap is not None and metric_gap < t.OVERFIT_GAP):
        return Level.INFO
    both = worse and gap > 0.5 and (metric_gap is None or metric_gap > 2 * t.OVERFIT_GAP)
    return Level.ERROR if both and state.fine else Level.WARNING
