"""Coordinate search: one coordinate at a time, both ways, in steps that grow and shrink."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.optim.derivative_free.method import METHODS, Method

GROWTH, SHRINKAGE = 2.0, 0.5  # of a coordinate's step after a success and after a failure
SMALLEST = 1e-12  # of all steps relative to the first: below it nothing moves any more


class CoordinateSearch(Method):
    """Tries each coordinate in turn one step up and one step down, and goes where it is lower.

    Each coordinate has its own step, which doubles when it helped and halves when it did not. A
    generation is `together` coordinates, both ways; the best of its points is taken.

    Args:
        start: Where it begins.
        together: Coordinates that are tried in one generation.
        settings: As for `Method`.

    Source: Rosenbrock 1960, doi 10.1093/comjnl/3.3.175, for the growing and shrinking steps;
    Kolda et al. 2003, doi 10.1137/S003614450242889, for direct search in general.

    >>> method = CoordinateSearch(torch.tensor([3.0, 1.0]))
    >>> method.ask().tolist(), method.dimension
    ([[3.0, 1.0]], 2)
    """

    name = "coordinate-search"
    title = "coordinate search"
    source = "Kolda et al. 2003, doi 10.1137/S003614450242889"

    def __init__(self, start: Tensor, *, together: int = 1, **settings: Any) -> None:
        super().__init__(start, **settings)
        if not 1 <= together <= self.dimension:
            raise UsageError(f"together is {together}", hint=f"from 1 to {self.dimension}")
        self.together = together
        self._steps = torch.full_like(self.start, self.scale)
        self._next = 0
        self._at, self._value = self.start, float("inf")
        self._tried = torch.zeros(0, dtype=torch.long)

    def _generation(self) -> Tensor:
        if not self.evaluations:
            return self.start[None]
        places = torch.arange(self._next, self._next + self.together) % self.dimension
        self._tried, self._next = places, int(places[-1] + 1) % self.dimension
        moves = torch.zeros(self.together, self.dimension).to(self.start)
        moves[torch.arange(self.together), places] = self._steps[places]
        return torch.cat([self._at + moves, self._at - moves])

    def _digest(self, points: Tensor, values: Tensor) -> None:
        lowest = int(values.argmin())
        if not len(self._tried):
            self._value = float(values[0])
            return
        winner = self._tried[lowest % self.together]
        if float(values[lowest]) < self._value:
            self._at, self._value = points[lowest], float(values[lowest])
            self._steps[winner] *= GROWTH / SHRINKAGE
        self._steps[self._tried] *= SHRINKAGE
        if float(self._steps.max()) < SMALLEST * self.scale:
            self.finished = f"all steps have shrunk below {SMALLEST * self.scale:.1e}"


METHODS.add(CoordinateSearch.name, CoordinateSearch)
