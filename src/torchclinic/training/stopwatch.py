"""Wall time of a training, without its evaluations and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Runs from the start; stands still inside `paused`.

    Args:
        before: Seconds that an earlier part of the run took.

    >>> watch = Stopwatch(before=5.0)
    >>> 5.0 <= watch.seconds < 6.0
    True
    """

    def __init__(self, before: float = 0.0) -> None:
        self._start = time.perf_counter() - before

    @property
    def seconds(self) -> float:
        """So far."""
        return time.perf_counter() - self._start

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count what happens inside."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._start += time.perf_counter() - begin
