"""DAT114: rows that change each time they are read."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import EVERYTHING_LATER
from torchclinic.rules.evidence import fact
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class ChangingRows(Rule):
    """A Dataset changes its stored rows each time it hands them out.

    ## What it does
    Reads the same rows of a Dataset four times, with the same random numbers each time. It speaks
    where every row has grown, or every row has shrunk, from each reading to the next: chance does
    that to 24 rows once in 24 to the power of 24 times.

    ## Why is this bad?
    An operation in place (`/=`, `mul_`, `-=`) on a view of the stored tensor changes the storage.
    Each epoch then sees other inputs: after four epochs of `x /= 255` nothing is left of them. The
    training loss stops falling or rises, and no setting of the training helps.

    ## Known problems
    Random augmentation is no change of this kind, as its random numbers are held. Rows that change
    in several worker processes are not seen here, and change there as well.

    ## Example
    `def __getitem__(self, i): x = self.x[i]; x /= 255; return x, self.y[i]`

    ## Use instead
    `def __getitem__(self, i): return self.x[i] / 255, self.y[i]`

    ## References
    PyTorch documentation, tensor views: an index by number returns a view of the storage.
    """

    code = "DAT114"
    name = "changing-rows"
    levels = (Level.ERROR,)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = (
        *("DAT101", "DAT102", "DAT105", "DAT106", "DAT111", "DAT112", "DAT115", "DAT117", "DAT119"),
        *EVERYTHING_LATER,
    )
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where all rows go one way from reading to reading."""
        assert case.batch is not None
        rows = case.batch.rows
        if rows is None or len(rows.sizes) < 2 or not rows.sizes[0] > 0:
            return
        first, last = rows.sizes[0], rows.sizes[-1]
        ratio = last / first
        if t.ROWS_KEPT < ratio < 1 / t.ROWS_KEPT:
            return
        way = "shrinks" if ratio < 1 else "grows"
        shown = ", ".join(number(size) for size in rows.sizes)
        yield self.finding(
            Level.ERROR,
            f"the Dataset changes its rows: each {way} with every reading",
            f"The same {rows.reread} rows were read {len(rows.sizes)} times with the same random "
            f"numbers, and each {way} with every reading: their root mean square is {shown}, "
            f"{percent(ratio)} of the first at last. An operation in place (such as x /= 255) in "
            "__getitem__ or the collate function changes the stored tensor; write x = x / 255.",
            (
                fact("size of a row, last reading over first", ratio),
                fact("rows read", rows.reread),
                fact("readings", len(rows.sizes)),
            ),
            confidence=0.98,
        )
