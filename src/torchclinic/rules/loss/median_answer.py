"""LOS110: an absolute error whose best answer is the one value that most targets have."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, learning_evidence
from torchclinic.rules.grading import state_of
from torchclinic.rules.outputs import loss_kind
from torchclinic.rules.rates import proven_low
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class MedianAnswer(Rule):
    """More than half of the targets are one value, and an absolute error is content with it.

    ## What it does
    Fires where the loss is an absolute error, more than half of the targets have exactly the same
    value, and the trained outputs of the other rows stay near it: within a fifth of the way to
    their targets, or within a half where little of the loss is removed.

    ## Why is this bad?
    The answer that an absolute error rewards is the median. Where a row has the common value with
    a probability above one half, that value is the median whatever else the row may hold, so the
    model answers it and learns nothing of the amounts. The mean, which a squared error
    rewards, moves with both.

    ## Known problems
    Where the median is what is wanted, such answers are right. Rows whose inputs tell which value
    they have are no problem, as the median of each is its own.

    ## Example
    `loss = nn.L1Loss()  # rain of a day, 0 on 70 % of the days`

    ## Use instead
    `loss = nn.MSELoss()  # or whether it rains, and how much where it does, as two outputs`

    ## References
    Gneiting 2011, "Making and evaluating point forecasts"; Lambert 1992 (zero-inflated models).
    """

    code = "LOS110"
    name = "median-answer"
    levels = (Level.WARNING,)
    stage = Stage.CURVE  # whatever keeps a net from learning gives the median, too
    needs = frozenset({"recipe"})
    explains = LEARNING_CURVES
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the other rows are answered with the common value, too."""
        found, state = case.commonest, state_of(case)
        if found is None or loss_kind(case) != "l1":
            return
        if proven_low(case) or state.near_perfect:
            return
        limit = t.ANSWERED_HALF if state.poor else t.ANSWERED_OTHERS
        if not (found.share > t.COMMONEST and found.missed < limit):
            return
        yield self.finding(
            Level.WARNING,
            f"{percent(found.share)} of the targets are {number(found.value)}, and an absolute "
            "error is content with that",
            f"{percent(found.share)} of the targets are exactly {number(found.value)}. Where they "
            f"are not, the median output lies {percent(max(found.missed, 0.0))} of the way to the "
            "median target. An absolute error rewards the median, which is the common value in "
            "every row that has it more likely than not. If the expected amount is wanted take a "
            "squared error; or tell apart whether there is an amount and how much it is.",
            (
                above("share of the commonest target", found.share, t.COMMONEST),
                below("outputs elsewhere over the targets", found.missed, limit),
                *learning_evidence(state),
            ),
            confidence=0.8,
        )
