"""Many pieces of work over a few child processes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from multiprocessing.connection import wait
from typing import Generic, TypeVar

from torchclinic.engine.child import Child
from torchclinic.engine.outcome import Outcome, Work

Key = TypeVar("Key")
_LOOK_EVERY = 1.0  # seconds between looks at children that say nothing


class Workers(Generic[Key]):
    """Does work in a few child processes and yields outcomes as they come.

    A child that dies is replaced. Leaving the iteration early, by an exception or an interrupt,
    kills the children.

    Args:
        count: Children at a time.
        works: All that may be done, begun in this order.
        may_begin: Asked before each piece of work; what is refused is not done.
        looked: Called about once a second while the children work.
    """

    def __init__(
        self,
        count: int,
        works: Mapping[Key, Work],
        may_begin: Callable[[Key], bool],
        looked: Callable[[], None] | None = None,
    ) -> None:
        self._count = count
        self._works = tuple(works.values())
        self._pending: Iterator[tuple[int, Key]] = iter(enumerate(works))
        self._may_begin = may_begin
        self._looked = looked
        self._busy: dict[Child, Key] = {}
        self._idle: list[Child] = []

    def outcomes(self) -> Generator[tuple[Key, Outcome]]:
        """Do the work and yield (key, outcome) of each piece that was done."""
        try:
            self._employ()
            while self._busy:
                yield from self._finished()
                self._employ()
        finally:
            for child in (*self._busy, *self._idle):
                child.kill()

    def _employ(self) -> None:
        """Give work to children until all are busy or none is left."""
        while len(self._busy) < self._count:
            job = next((job for job in self._pending if self._may_begin(job[1])), None)
            if job is None:
                return
            child = self._idle.pop() if self._idle else Child(self._works)
            self._busy[child] = job[1]
            child.give(job[0])

    def _finished(self) -> Iterator[tuple[Key, Outcome]]:
        ready = set(wait([child.pipe for child in self._busy], timeout=_LOOK_EVERY))
        if self._looked is not None:
            self._looked()
        for child, key in list(self._busy.items()):
            outcome = child.collect() if child.pipe in ready else child.stalled()
            if outcome is not None:
                del self._busy[child]
                if child.alive:
                    self._idle.append(child)
                yield key, outcome
