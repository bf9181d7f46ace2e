"""DAT112: a column that tells the target in training only."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent

SHOWN = 5


@register
class LeakingColumn(Rule):
    """A column nearly determines the target in training, and does not in validation.

    ## What it does
    Measures for every column which share of variance it has in common with the target, in training
    and in validation, and speaks where one column has more than nine tenths in training and less
    than half in validation.

    ## Why is this bad?
    The model reads the target off that column and learns nothing else, since nothing else is
    needed. Where the column does not hold the target, in validation and later, it knows nothing.

    ## Known problems
    A column that tells the target in all parts may be a leak or a good column: that is not judged.
    A validation part whose values lie elsewhere (later times) is left out, as a part of a range
    correlates less than the whole.

    ## Example
    `train["mean_target_of_group"] = train.groupby("group").target.transform("mean")`

    ## Use instead
    Columns that are known before the target is, made in one way for all parts.

    ## References
    Kaufman, Rosset, Perlich and Stitelman 2012, "Leakage in Data Mining", doi
    10.1145/2382577.2382579.
    """

    code = "DAT112"
    name = "leaking-column"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = ("DAT105", "DAT111", "DAT119", "CRV103", *LEARNING_CURVES)
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the columns that tell the target in training alone."""
        assert case.batch is not None
        parts = case.batch.parts
        if parts is None or not parts.leaks or parts.leak_train is None:
            return
        told, other = parts.leak_train, parts.leak_validation or 0.0
        if not told > t.LEAK or (parts.leak_outside or 0.0) > t.LEAK_OUTSIDE:
            return
        shown = ", ".join(str(column) for column in sorted(parts.leaks)[:SHOWN])
        more = f" and {len(parts.leaks) - SHOWN} more" if len(parts.leaks) > SHOWN else ""
        word = "column" if len(parts.leaks) == 1 else "columns"
        gap = generalisation_gap(state_of(case))
        yield self.finding(
            Level.ERROR if gap > t.SHIFT_IMPACT else Level.WARNING,
            f"input {word} {shown}{more}: the target in training, not in validation",
            f"Input column {parts.leaks[0]} has {percent(told)} of its variance in common with the "
            f"target in the training part and {percent(other)} in validation. The model can read "
            "the target off it and needs no other column. Leave it out, or make it for all parts "
            "from what is known before the target is.",
            (
                above("share of variance in common with the target", told, t.LEAK),
                fact("the same in validation", other),
                fact("such columns", len(parts.leaks)),
            ),
            confidence=0.9,
        )
