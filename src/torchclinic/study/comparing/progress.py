"""How far a study has come, and a line that says so."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from torchclinic.core.time_words import time_words

_EVERY_SECONDS = 0.2  # between two writings of a line on a terminal
_LINES = 10  # of a log file, in all


@dataclass(frozen=True)
class StudyProgress:
    """How far a study has come.

    Attributes:
        stage: What is being done ("runs", "halving 1").
        done: Runs that are there, those of earlier calls and other processes included.
        total: Runs in all.
        kept: Runs that were there at the beginning.
        seconds: Wall time of this stage so far.
        waiting_for: Another process whose runs are waited for, or "".
    """

    stage: str
    done: int
    total: int
    kept: int
    seconds: float
    waiting_for: str = ""

    @property
    def remaining(self) -> float | None:
        """Seconds still to go, if the rest takes as long as what was done; None at the start.

        >>> StudyProgress("runs", done=12, total=20, kept=10, seconds=3.0).remaining
        12.0
        """
        made = self.done - self.kept
        return self.seconds / made * (self.total - self.done) if made > 0 else None

    def __str__(self) -> str:
        words = f"{self.stage}: {self.done} of {self.total}"
        if self.kept:
            words += f" ({self.kept} were there)"
        if self.waiting_for:
            return f"{words}, waiting for {self.waiting_for}"
        left = self.remaining
        return words if left is None else f"{words}, about {time_words(left)} left"


Listener = Callable[[StudyProgress], None]


class Teller:
    """Tells a listener how far a stage is.

    Args:
        stage: Its name.
        total: Runs in all.
        listener: Or None.
    """

    def __init__(self, stage: str, total: int, listener: Listener | None) -> None:
        self._stage, self._total, self._listener = stage, total, listener
        self._started = time.perf_counter()
        self._done = self._kept = 0

    def begin(self, kept: int) -> None:
        """Say how many runs are there."""
        self._done = self._kept = kept
        self.tell()

    def advance(self, *, by_others: bool = False) -> None:
        """One more run is there."""
        self._done += 1
        self._kept += by_others
        self.tell()

    def tell(self, waiting_for: str = "") -> None:
        """Say how things are."""
        if self._listener is not None:
            passed = time.perf_counter() - self._started
            self._listener(
                StudyProgress(self._stage, self._done, self._total, self._kept, passed, waiting_for)
            )


class ProgressLine:
    """Writes progress to a stream: one line that changes on a terminal, ten lines elsewhere.

    Args:
        stream: Standard error by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._written = 0.0
        self._told = ""

    def __call__(self, progress: StudyProgress) -> None:
        """Show it, unless something like it was shown a moment ago."""
        if self._terminal:
            self._rewrite(progress)
        else:
            tenth = f"{progress.stage} {_LINES * progress.done // max(progress.total, 1)}"
            if tenth != self._told or progress.waiting_for not in ("", self._told):
                self._told = progress.waiting_for or tenth
                self._stream.write(f"{progress}\n")
                self._stream.flush()

    def _rewrite(self, progress: StudyProgress) -> None:
        now, last = time.monotonic(), progress.done == progress.total
        if last or now - self._written >= _EVERY_SECONDS:
            self._written = now
            self._stream.write(f"\r\x1b[K{progress}" + ("\n" if last else ""))
            self._stream.flush()


def listener_of(progress: Listener | bool | None) -> Listener | None:
    """What `progress=` asks for: nothing, a line on standard error, or the caller's own."""
    if progress is None or progress is False:
        return None
    return ProgressLine() if progress is True else progress
