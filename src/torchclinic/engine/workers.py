"""Many pieces of work over a few child processes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Generic, TypeVar

from torchclinic.engine.child import Child
from torchclinic.engine.outcome import Outcome, Work

Key = TypeVar("Key")
_LOOK_EVERY = 1.0  # seconds between looks at children that say nothing


class Workers(Generic[Key]):
    """Runs work in up to `count` child processes at a time and yields outcomes as they come.

    Leaving the iteration early, by an exception or an interrupt, kills the children.

    Args:
        count: Most children at a time.
        may_start: Asked before each piece of work; what is refused is not done.
    """

    def __init__(self, count: int, may_start: Callable[[Key], bool]) -> None:
        self._count = count
        self._may_start = may_start
        self._children: dict[Child, Key] = {}

    def outcomes(self, jobs: Iterable[tuple[Key, Work]]) -> Generator[tuple[Key, Outcome]]:
        """Do the jobs, begun in their order, and yield (key, outcome) of each that was done."""
        pending = iter(jobs)
        try:
            self._fill(pending)
            while self._children:
                yield from self._finished()
                self._fill(pending)
        finally:
            for child in self._children:
                child.kill()

    def _fill(self, pending: Iterator[tuple[Key, Work]]) -> None:
        """Start children up to the count, passing over what may not start."""
        while len(self._children) < self._count:
            job = next(pending, None)
            if job is None:
                return
            key, work = job
            if self._may_start(key):
                self._children[Child(work)] = key

    def _finished(self) -> Iterator[tuple[Key, Outcome]]:
        ready = set(wait([child.pipe for child in self._children], timeout=_LOOK_EVERY))
        for child, key in list(self._children.items()):
            outcome = child.collect() if child.pipe in ready else child.stalled()
            if outcome is not None:
                del self._children[child]
                yield key, outcome
