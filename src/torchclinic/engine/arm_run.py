"""What running arms over seeds yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torchclinic.core import Run

Cell = tuple[str, int]  # arm and seed


@dataclass(frozen=True)
class ArmRun:
    """One arm with one seed: its Run, or why there is none.

    Attributes:
        arm: Name of the arm.
        seed: The seed.
        run: What came of it; None when it failed or was not begun.
        error: Why there is no run; None when there is one.
        seconds: Wall time it took.
        note: What went wrong on the way to a run that was made in the end, or "".
    """

    arm: str
    seed: int
    run: Run | None = None
    error: str | None = None
    seconds: float = 0.0
    note: str = ""

    @property
    def skipped(self) -> bool:
        """Whether it was never begun.

        >>> ArmRun("a", 0, error="the budget is spent").skipped
        True
        """
        return self.run is None and self.seconds == 0.0


@dataclass(frozen=True)
class Progress:
    """How far a set of runs has come.

    Attributes:
        done: Runs that are finished, failed ones included.
        total: Runs in all.
        seconds: Wall time so far.
    """

    done: int
    total: int
    seconds: float

    @property
    def remaining(self) -> float | None:
        """Seconds still to go, if the rest takes as long as what is done; None at the start.

        >>> Progress(done=2, total=6, seconds=3.0).remaining
        6.0
        """
        return self.seconds / self.done * (self.total - self.done) if self.done else None


class RunsInterrupted(KeyboardInterrupt):
    """Ctrl-C during `run_arms`; what was finished until then is in `results`.

    Attributes:
        results: As `run_arms` returns them; unfinished runs carry an error.
    """

    def __init__(self, results: Mapping[str, tuple[ArmRun, ...]]) -> None:
        super().__init__("interrupted")
        self.results = results
