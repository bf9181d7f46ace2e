"""A ledger that lets several runs begin at once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from torchclinic.engine.arm_run import Cell
from torchclinic.engine.ledger import Ledger
from torchclinic.engine.outcome import Outcome


class StackLedger(Ledger):
    """Books runs like its parent; stacks of them begin together or not at all."""

    def may_begin_all(self, cells: Sequence[Cell]) -> bool:
        """Whether there is time for all of these together; if not, that is booked for each."""
        if self._deadline is None:
            return True
        passed = time.perf_counter() - self._started
        ahead = sum(self._expected(arm) for arm, _ in cells)
        self._closed = self._closed or passed + ahead >= self._deadline
        answers = [self.may_begin(cell) for cell in cells]  # each refusal is booked
        return all(answers)

    def remark(self, cell: Cell, note: str) -> None:
        """Put a note on the result that the run will have."""
        self.book(cell, Outcome(None, note, final=False), again=True)
