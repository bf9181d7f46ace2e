"""A progress bar with the time left, on standard error."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Protocol

REFRESH_SECONDS = 0.1


class ProgressBar(Protocol):
    """What the loop tells its progress to."""

    def advance(self, steps: int, loss: float | None) -> None:
        """Show that `steps` updates are done, and the newest loss that is known."""
        ...


class _Bar:
    def __init__(self, name: str, total: int | None, done: int) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(escape(name), total=total, completed=done, loss="")
        self._shown = 0.0
        self._done = done

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.update(self._task, completed=self._done)
        self._progress.stop()

    def advance(self, steps: int, loss: float | None) -> None:
        """Show it, unless it was shown a moment ago."""
        self._done = steps
        now = time.monotonic()
        if now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            words = "" if loss is None else f"loss {loss:.4g}"
            self._progress.update(self._task, completed=steps, loss=words)


def progress_bar(
    shown: bool, name: str, total: int | None, done: int
) -> AbstractContextManager[ProgressBar | None]:
    """A bar for a run, or nothing.

    Args:
        shown: Whether there is to be one.
        name: Of the recipe.
        total: Updates in all, None if unknown.
        done: Updates made before (of a resumed run).
    """
    return _Bar(name, total, done) if shown else nullcontext()
