"""Ledger: which runs are done, what they took, and whether there is time for more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median

from torchclinic.engine.arm_run import ArmRun, Cell, Progress
from torchclinic.engine.call import Call
from torchclinic.engine.kept import with_model
from torchclinic.engine.outcome import Outcome


class Ledger:
    """Books the results of runs as they come, and tells of them.

    Args:
        call: What was asked for; its deadline counts from now.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._deadline = call.deadline
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
        done = with_model(self._call.arms, cell, outcome)
        note = self._notes.get(cell, "")
        self._book(ArmRun(*cell, done.value, done.error, outcome.seconds, note))
        return True

    def table(self, missing: str) -> Mapping[str, tuple[ArmRun, ...]]:
        """Arm -> results in the order of the seeds; what has none says `missing`."""

        def result(cell: Cell) -> ArmRun:
            return self._results.get(cell) or ArmRun(*cell, error=missing)

        call = self._call
        return {arm: tuple(result((arm, seed)) for seed in call.seeds) for arm in call.arms}

    def _expected(self, arm: str) -> float:
        """What a run of this arm has taken so far; 0 before the first."""
        taken = [r.seconds for r in self._results.values() if r.arm == arm and not r.skipped]
        return median(taken) if taken else 0.0

    def _book(self, result: ArmRun) -> None:
        self._results[result.arm, result.seed] = result
        if self._call.on_result is not None:
            self._call.on_result(result)
        self._tell()

    def _tell(self) -> None:
        if self._call.progress is not None:
            passed = time.perf_counter() - self._started
            self._call.progress(Progress(len(self._results), len(self._call.runs), passed))
