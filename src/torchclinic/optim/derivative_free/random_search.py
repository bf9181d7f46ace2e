"""Random search: independent points around the start."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.optim.derivative_free.method import METHODS, Method


class RandomSearch(Method):
    r"""Independent points: uniform within the bounds, else $x_0 + s\,\xi$, $\xi \sim N(0, I)$.

    It learns nothing; what another method gains over it is what that method's rule is worth.

    Args:
        start: Where it begins; evaluated first.
        population: Points of a generation.
        settings: As for `Method`.

    Source: Rastrigin 1963; Bergstra and Bengio 2012, JMLR 13, for the comparison.

    >>> method = RandomSearch(torch.zeros(2), population=3)
    >>> method.ask().shape
    torch.Size([3, 2])
    """

    name = "random-search"
    title = "random search"
    source = "Bergstra and Bengio 2012, JMLR 13:281"

    def __init__(self, start: Tensor, *, population: int = 16, **settings: Any) -> None:
        super().__init__(start, **settings)
        if population < 1:
            raise UsageError(f"population is {population}", hint="at least 1")
        self.population = population

    def _generation(self) -> Tensor:
        shape = (self.population, self.dimension)
        if self.bounds is None:
            points = self.start + self.scale * self._randn(*shape)
        else:
            low, high = self.bounds
            share = torch.rand(*shape, generator=self.generator, dtype=torch.float64).to(low)
            points = low + (high - low) * share
        if not self.evaluations:
            points[0] = self.start
        return points

    def _digest(self, points: Tensor, values: Tensor) -> None:
        """Nothing is learnt."""


METHODS.add(RandomSearch.name, RandomSearch)
