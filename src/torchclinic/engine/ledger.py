"""Ledger: which runs are done, what they took, and whether there is time for more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from torchclinic.engine.arm_run import ArmRun, Progress
from torchclinic.engine.outcome import Outcome

Cell = tuple[str, int]  # arm and seed


class Ledger:
    """Books the results of runs as they come.

    Args:
        cells: All runs that are wanted, in the order in which they are begun.
        deadline: Seconds from now after which none is begun; None for no end.
        progress: Called now and after each result.
        on_result: Called with each result.
        finish: What is still to be done to an outcome in this process before it is booked.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        *,
        deadline: float | None,
        progress: Callable[[Progress], None] | None,
        on_result: Callable[[ArmRun], None] | None,
        finish: Callable[[Cell, Outcome], Outcome] | None = None,
    ) -> None:
        self._total = len(cells)
        self._deadline = deadline
        self._progress = progress
        self._on_result = on_result
        self._finish = finish
        self._started = time.perf_counter()
        self._results: dict[Cell, ArmRun] = {}
        self._notes: dict[Cell, str] = {}
        self._closed = False
        self._tell()

    def may_begin(self, cell: Cell) -> bool:
        """Whether there is time for one more run; if not, that is booked as its result.

        After the first refusal all are refused: a shorter run that would still fit belongs to a
        later seed and would find no partner.
        """
        if self._deadline is None:
            return True
        passed = time.perf_counter() - self._started
        self._closed = self._closed or passed + self._expected(cell[0]) >= self._deadline
        if not self._closed:
            return True
        why = f"not begun: {passed:.1f} s of the {self._deadline:g} s allowed are spent"
        self._book(ArmRun(*cell, error=why, note=self._notes.get(cell, "")))
        return False

    def book(self, cell: Cell, outcome: Outcome, *, again: bool) -> bool:
        """Book an outcome; with `again`, one that another attempt may better is only noted.

        Returns:
            Whether it was booked.
        """
        if outcome.error is not None and again and not outcome.final:
            self._notes[cell] = outcome.error
            return False
        done = outcome if self._finish is None else self._finish(cell, outcome)
        note = self._notes.get(cell, "")
        self._book(ArmRun(*cell, done.value, done.error, outcome.seconds, note))
        return True

    def table(
        self, arms: Iterable[str], seeds: Sequence[int], missing: str
    ) -> Mapping[str, tuple[ArmRun, ...]]:
        """Arm -> results in the order of the seeds; what has none says `missing`."""

        def result(cell: Cell) -> ArmRun:
            return self._results.get(cell) or ArmRun(*cell, error=missing)

        return {arm: tuple(result((arm, seed)) for seed in seeds) for arm in arms}

    def _expected(self, arm: str) -> float:
        """What a run of this arm has taken so far; 0 before the first."""
        taken = [r.seconds for r in self._results.values() if r.arm == arm and not r.skipped]
        return median(taken) if taken else 0.0

    def _book(self, result: ArmRun) -> None:
        self._results[result.arm, result.seed] = result
        if self._on_result is not None:
            self._on_result(result)
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            passed = time.perf_counter() - self._started
            self._progress(Progress(len(self._results), self._total, passed))
