"""Progress of something long on stderr: how far, what now, how much longer."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

WIDTH = 79
EVERY_TERMINAL, EVERY_FILE = 0.1, 5.0  # seconds between two lines


class Ticker:
    """One line that is written over on a terminal; a line every few seconds elsewhere.

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
        self._last = -EVERY_FILE
        self._what = ""
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
        every = EVERY_TERMINAL if self._terminal else EVERY_FILE
        if self._quiet or now - self._last < every:
            return
        self._last = now
        line = self.line(share, what, now - self._begun)
        end = "" if self._terminal else "\n"
        start = "\r\x1b[2K" if self._terminal else "- "
        self._stream.write(f"{start}{line}{end}")
        self._stream.flush()
        self._shown = self._terminal

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
        left = "" if share <= 0 or seconds < 1 else f"about {_span(seconds * (1 / share - 1))} left"
        return f"{100 * share:3.0f} %  {left + '  ' if left else ''}{what}"[:WIDTH]


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
