"""Runs under way on a Ray cluster."""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np
import torch

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.outcome import Outcome
from torchclinic.engine.ray.shipping import Shipment
from torchclinic.engine.ray.task import Home, run_one

_LOOK_EVERY = 1.0  # seconds after which the number of cores is looked at again


class Crew:
    """Sends runs to Ray and yields their outcomes as they come.

    Leaving the iteration early, by an exception or an interrupt, cancels what is under way.

    Args:
        ray: The package, connected.
        recipes: Arm -> recipe.
        shipment: The same as bytes; each goes into the object store once.
        may_begin: Asked before each run is sent; what is refused is not done.
    """

    def __init__(
        self,
        ray: ModuleType,
        recipes: Mapping[str, Recipe],
        shipment: Shipment,
        may_begin: Callable[[Cell], bool],
    ) -> None:
        self._ray = ray
        self._may_begin = may_begin
        self._busy: dict[Any, tuple[Cell, float]] = {}
        self._pending: deque[Cell] = deque()
        self._home = ray.put(Home.here())
        self._recipes = {arm: self._put(packed) for arm, packed in shipment.recipes.items()}
        stored = {key: self._put(packed) for key, packed in shipment.data.items()}
        self._data = {arm: stored[key] for arm, key in shipment.keys.items()}
        self._gpus = {arm: int(torch.device(r.device).type == "cuda") for arm, r in recipes.items()}
        self._task = ray.remote(run_one)

    def outcomes(
        self, works: Mapping[Cell, Mapping[str, Any]], room: Callable[[], float]
    ) -> Generator[tuple[Cell, Outcome]]:
        """Make the runs and yield (cell, outcome) of each attempt.

        Args:
            works: What `train` is given besides recipe and seed; runs are sent in this order.
            room: How many runs may be under way.
        """
        self._pending.extend(works)
        try:
            self._send(works, room())
            while self._busy:
                yield from self._finished()
                self._send(works, room())
        finally:
            for reference in self._busy:
                with suppress(Exception):  # the cluster may be gone
                    self._ray.cancel(reference, force=True)

    def again(self, cell: Cell) -> None:
        """Let this run be made once more, before those that are not begun."""
        self._pending.appendleft(cell)

    def _put(self, packed: bytes) -> Any:
        """In the object store as an array, which workers read in place."""
        return self._ray.put(np.frombuffer(packed, np.uint8))

    def _send(self, works: Mapping[Cell, Mapping[str, Any]], room: float) -> None:
        while self._pending and len(self._busy) < room:
            cell = self._pending.popleft()
            if self._may_begin(cell):
                arm, seed = cell
                task = self._task.options(num_cpus=1, num_gpus=self._gpus[arm], max_retries=0)
                sent = task.remote(
                    self._home, self._recipes[arm], self._data[arm], seed, works[cell]
                )
                self._busy[sent] = cell, time.perf_counter()

    def _finished(self) -> Iterator[tuple[Cell, Outcome]]:
        ready, _ = self._ray.wait(list(self._busy), timeout=_LOOK_EVERY)
        for reference in ready:
            cell, sent = self._busy.pop(reference)
            yield cell, self._outcome(reference, sent)

    def _outcome(self, reference: Any, sent: float) -> Outcome:
        """What came back; a worker or node that died gives an outcome that another may better."""
        lost = self._ray.exceptions.RayError
        try:
            return pickle.loads(self._ray.get(reference))  # noqa: S301 - from our own worker
        except lost as error:
            told = f"the worker was lost: {type(error).__name__}"
            return Outcome(None, told, final=False, seconds=time.perf_counter() - sent)
