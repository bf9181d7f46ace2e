"""Progress of something long on stderr: how far, what now, how much longer."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TextIO

from torchclinic.core.time_words import time_words

WIDTH = 79
EVERY_TERMINAL, EVERY_FILE = 0.1, 5.0  # seconds between two lines, at least
THINNER = 0.1  # of the time so far between two lines of a file: an hour makes some fifty


class Ticker:
    """One line that is written over on a terminal; elsewhere lines, ever more rarely.

    Args:
        quiet: Whether to say nothing.
        stream: Where to; stderr by default.

    >>> Ticker(quiet=True).tell(0.5, "training")
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._terminal = self._stream.isatty()
        self._begun = time.monotonic()
        self._last = -math.inf
        self._shown = False

    def __enter__(self) -> Ticker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def tell(self, share: float, what: str) -> None:
        """Say that a share from 0 to 1 is done, and what is done now."""
        now = time.monotonic()
        if self._quiet or now - self._last < self._pause(now):
            return
        self._last = now
        line = self.line(share, what, now - self._begun)
        end = "" if self._terminal else "\n"
        start = "\r\x1b[2K" if self._terminal else "- "
        self._stream.write(f"{start}{line}{end}")
        self._stream.flush()
        self._shown = self._terminal

    def _pause(self, now: float) -> float:
        """Seconds between two lines."""
        return EVERY_TERMINAL if self._terminal else max(EVERY_FILE, THINNER * (now - self._begun))

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._shown = False

    @staticmethod
    def line(share: float, what: str, seconds: float) -> str:
        """What is written.

        >>> Ticker.line(0.25, "training", 10.0)
        ' 25 %  about 30 s left  training'
        """
        left = ""
        if share > 0 and seconds >= 1:
            left = f"about {time_words(seconds * (1 / share - 1))} left  "
        return f"{100 * share:3.0f} %  {left}{what}"[:WIDTH]
