"""CRV106: the metric stands still while the loss falls."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.functional.skill import metric_skill
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.outputs import single_column
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class MetricStandsStill(Rule):
    """The metric never moves, while the loss falls by a lot.

    ## What it does
    Fires where all evaluations of the metric, on training and on validation rows, give the very
    same number for each of the two, while most of the loss is removed.

    ## Why is this bad?
    A model whose loss falls by half answers differently than before, so a metric of its answers
    moves. One that does not is not computed from them: an argmax over a single column is always
    0, a threshold of 0.5 on scores may never be passed, predictions may be compared with
    themselves.

    ## Known problems
    A metric that is perfect from the start stands still rightly and is not reported.

    ## Example
    `accuracy = (output.argmax(1) == target).float().mean()  # output has one column`

    ## Use instead
    `accuracy = ((output > 0) == (target > 0.5)).float().mean()`

    ## References
    TheDeepChecker (Ben Braiek & Khomh 2023): loss and metric must be correlated.
    """

    code = "CRV106"
    name = "metric-stands-still"
    levels = (Level.WARNING,)
    stage = Stage.WIRING  # of the metric; the training itself may be sound
    needs = frozenset({"history"})
    explains = ("CRV105", "DAT108")
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the metric has one value throughout."""
        assert case.history is not None
        state, history = state_of(case), case.history
        values = [value for _, value in history.curve("validation", "metric")]
        own = [value for _, value in history.curve("train", "metric")]
        fell = _fall(case)
        if len(values) < t.OVERFIT_EVALUATIONS or len(set(values)) > 1 or len(set(own)) > 1:
            return
        perfect = values[0] in (0.0, 1.0) and (metric_skill(case, "validation") or 0.0) >= 0
        if state.hurt or fell is None or fell <= t.STILL or (perfect and values[0] == 1.0):
            return
        column = (
            " The model gives one column a row: an argmax over it is always 0."
            if single_column(case)
            else ""
        )
        yield self.finding(
            Level.WARNING,
            f"{history.metric or 'the metric'} stays at {number(values[0])} while the loss falls "
            f"by {percent(fell)}",
            f"In {len(values)} evaluations the metric was {number(values[0])} each time, to the "
            f"last digit, while the validation loss fell by {percent(fell)}. Either it is not "
            "computed from what the model answers, or all answers lie on one side of its "
            f"threshold.{column} Look at how the metric makes answers of outputs, and at the "
            "shapes that it compares.",
            (
                above("share of the validation loss removed", fell, t.STILL),
                fact("evaluations with the same metric", len(values)),
            ),
            confidence=0.9,
        )


def _fall(case: Case) -> float | None:
    """Share of its first value that the validation loss has lost since."""
    losses = [] if case.history is None else [v for _, v in case.history.curve("validation")]
    state = state_of(case)
    start = state.initial
    if not losses or start is None or not start > 0 or not math.isfinite(losses[-1]):
        return None
    fell = 1 - losses[-1] / start
    return min(fell, state.validation_removed or 0.0) if state.constant_known else fell
