"""Who works on which run: no run is begun by two processes that live."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from torchclinic.study.store.files import replace
from torchclinic.study.store.text import to_text
from torchclinic.study.store.worker import Worker, alive, exclusive

Slot = tuple[str, int]  # folder of an arm, and seed


class Claims:
    """The claims of a study: one small file a run, removed when its result is there.

    All are taken and looked at under one lock, so a claim of a dead process can be taken over
    without a race.

    Args:
        folder: Where they lie.
        workers: Where the workers have their files.
        worker: This process.
        aside: Makes a name for a file that is not whole yet.
    """

    def __init__(
        self, folder: Path, workers: Path, worker: Worker, aside: Callable[[], Path]
    ) -> None:
        self._folder, self._workers, self._worker, self._aside = folder, workers, worker, aside

    def take(
        self, wanted: Sequence[Slot], is_done: Callable[[Slot], bool], most: int
    ) -> tuple[Slot, ...]:
        """Claim runs that are not done and that no living process has claimed.

        Args:
            wanted: In the order of preference.
            is_done: Whether the result is there.
            most: Claim no more than so many.
        """
        taken: list[Slot] = []
        with exclusive(self._folder / ".lock"):
            for slot in wanted:
                if len(taken) == most:
                    break
                if not is_done(slot) and self._holder(slot) in (None, self._worker.name):
                    self._write(slot)
                    taken.append(slot)
        return tuple(taken)

    def release(self, slots: Sequence[Slot]) -> None:
        """Give claims back."""
        for slot in slots:
            with contextlib.suppress(OSError):
                self._path(slot).unlink(missing_ok=True)

    def held_by_others(self, slots: Sequence[Slot]) -> tuple[str, ...]:
        """The living processes that have claimed some of these."""
        holders = (self._holder(slot) for slot in slots)
        return tuple(dict.fromkeys(h for h in holders if h not in (None, self._worker.name)))

    def sweep(self) -> None:
        """Remove the claims of dead processes."""
        if not self._folder.is_dir():
            return
        with exclusive(self._folder / ".lock"):
            for path in self._folder.glob("*.json"):
                if _living(self._workers, path) is None:
                    with contextlib.suppress(OSError):
                        path.unlink(missing_ok=True)

    def _holder(self, slot: Slot) -> str | None:
        """The living process that has claimed it."""
        return _living(self._workers, self._path(slot))

    def _write(self, slot: Slot) -> None:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        claim = {
            "worker": self._worker.name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "since": since,
        }
        replace(self._path(slot), to_text(claim) + "\n", self._aside())

    def _path(self, slot: Slot) -> Path:
        return self._folder / f"{slot[0]}.seed-{slot[1]}.json"


def _living(workers: Path, claim: Path) -> str | None:
    """The process that a claim names, if it lives."""
    try:
        found = json.loads(claim.read_text(encoding="utf-8"))["worker"]
    except (OSError, ValueError, KeyError):
        return None
    return found if alive(workers, found) else None
