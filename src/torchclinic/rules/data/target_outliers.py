"""DAT116: a few targets far outside of all others."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import EVERYTHING_LATER
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.initial import VALUE_LOSSES
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class TargetOutliers(Rule):
    """A few targets lie far outside of all others and make up most of a squared error.

    ## What it does
    Looks for a gap in the sorted targets: at most a tenth of them, each at least eight times as
    far from the median as every other. It reports their value, how many rows share it, and their
    share of the squared deviations from the mean.

    ## Why is this bad?
    9999 or -1 for "missing" is no value, but a squared error takes it for one: with one such row
    in a hundred the mean moves by a hundred and nearly all of the gradient comes from that row.
    The others are not learnt.

    ## Known problems
    A heavy tail (prices, incomes) has no gap and is left to DAT104. Single true values far out
    look like mistakes, so that they are only a warning where the training suffers.

    ## Example
    `targets = frame["price"].fillna(9999)`

    ## Use instead
    `known = frame["price"].notna(); inputs, targets = inputs[known], frame["price"][known]`

    ## References
    Huber 1964, "Robust Estimation of a Location Parameter"; Barnett and Lewis 1994, "Outliers in
    Statistical Data".
    """

    code = "DAT116"
    name = "target-outliers"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch", "recipe"})
    explains = ("DAT104", "DAT105", "DAT106", "DAT110", "LOS104", *EVERYTHING_LATER)
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for targets beyond a gap that weigh more than all others."""
        assert case.batch is not None
        assert case.recipe is not None
        rows, kind = case.batch.rows, case.recipe.loss_kind
        if rows is None or rows.extreme is None or rows.bulk is None or kind not in VALUE_LOSSES:
            return
        if not rows.extreme_weight > t.EXTREME_WEIGHT:
            return
        code = rows.extreme_repeats >= t.EXTREME_CODE
        level = _level(case, code=code, squared=kind == "mse")
        value = number(rows.extreme, 6)
        said = (
            f"{rows.extreme_repeats:,} rows have exactly {value}, as a code for a missing value "
            "would give"
            if code
            else f"the furthest is {value}"
        )
        yield self.finding(
            level,
            f"{rows.extreme_rows:,} targets lie far outside of all others, such as {value}",
            f"{percent(rows.extreme_share)} of the targets ({rows.extreme_rows:,} rows) lie at "
            f"least eight times as far from the median as any other; {said}. The other targets "
            f"run from {number(rows.bulk[0])} to {number(rows.bulk[1])}. These rows make up "
            f"{percent(rows.extreme_weight)} of the squared deviations from the mean, and so of a "
            "squared error. Leave such rows out, or correct them.",
            (
                above("share of the squared deviations", rows.extreme_weight, t.EXTREME_WEIGHT),
                fact("rows so far out", rows.extreme_rows),
                fact("of them with one and the same value", rows.extreme_repeats),
            ),
            confidence=0.95 if code else 0.7,
        )


def _level(case: Case, *, code: bool, squared: bool) -> Level:
    state = state_of(case)
    unseen = state.validation_removed
    suffers = not state.fine or (unseen is not None and unseen < t.WANTING_UNSEEN)
    if not squared:
        return Level.WARNING if code and suffers else Level.INFO
    if code:
        return Level.ERROR if suffers else Level.WARNING
    return Level.WARNING if suffers else Level.INFO
