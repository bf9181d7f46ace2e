"""Differential evolution (scipy): members of a population are moved by differences of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.optim.derivative_free.conversation import Evaluate
from torchclinic.optim.derivative_free.method import METHODS
from torchclinic.optim.derivative_free.scipy_method import FOREVER, ScipyMethod

PER_COORDINATE, LARGEST_POPULATION = 15, 100  # scipy's own factor; capped for long vectors
HALF_BOX = 5.0  # in scales: the box around the start where no bounds are given


class DifferentialEvolution(ScipyMethod):
    r"""Trial points $x_{best} + F (x_a - x_b)$, crossed with a member, replace it if lower.

    By `scipy.optimize.differential_evolution`, without its polishing by gradients; a generation is
    evaluated at once. It needs a box: without bounds, 5 scales on each side of the start.

    Args:
        start: A member of the first population, the others are uniform in the box.
        population: Number of members; None for 15 a coordinate, at most 100.
        options: Further options of scipy ("strategy", "mutation", "recombination").
        settings: As for `Method`.

    Source: Storn and Price 1997, doi 10.1023/A:1008202821328.

    >>> with DifferentialEvolution(torch.zeros(3), population=8) as method:
    ...     method.ask().shape
    torch.Size([8, 3])
    """

    name = "differential-evolution"
    title = "differential evolution"
    source = "Storn and Price 1997, doi 10.1023/A:1008202821328"

    def __init__(
        self,
        start: Tensor,
        *,
        population: int | None = None,
        options: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(start, **settings)
        default = min(PER_COORDINATE * self.dimension, LARGEST_POPULATION)
        self.population = default if population is None else population
        if self.population < 5:
            raise UsageError(f"population is {population}", hint="at least 5: scipy's own least")
        self._more = options or {}
        if self.bounds is None:
            away = HALF_BOX * self.scale
            self.bounds = (self.start - away, self.start + away)

    def _search(self) -> Callable[[Evaluate], str]:
        assert self.bounds is not None
        low, high = (side.cpu().double() for side in self.bounds)
        share = torch.rand(
            self.population, self.dimension, generator=self.generator, dtype=torch.float64
        )
        members = (low + (high - low) * share).numpy()
        members[0] = self._first()
        options: dict[str, Any] = {
            "init": members,
            "rng": np.random.default_rng(self._seed()),
            "maxiter": FOREVER,
            "polish": False,
            "tol": 1e-10,
        }
        return _evolution(self._box(), options | self._more)


def _evolution(box: Any, options: dict[str, Any]) -> Callable[[Evaluate], str]:
    def search(evaluate: Evaluate) -> str:
        from scipy.optimize import differential_evolution

        def objective(columns: np.ndarray) -> np.ndarray:
            return evaluate(np.atleast_2d(columns.T))

        found = differential_evolution(
            objective, box, vectorized=True, updating="deferred", **options
        )
        return str(found.message)

    return search


METHODS.add(DifferentialEvolution.name, DifferentialEvolution)
