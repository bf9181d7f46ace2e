"""CMA-ES: a population whose covariance follows the shape of the valley (package cma)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.optim.derivative_free.method import METHODS, Method

DIAGONAL_ABOVE = 500  # coordinates: a full matrix has 500^2 entries and costs 500^3 to decompose
LARGEST = 1e100  # stands for infinity, which cma cannot subtract


class CMAES(Method):
    """Covariance matrix adaptation, by the package `cma`.

    Points are drawn from a normal distribution whose mean moves to the better ones and whose
    covariance stretches along the steps that helped. Above 500 coordinates only the diagonal is
    adapted (sep-CMA-ES), unless `options` says otherwise.

    Args:
        start: The first mean, evaluated with the first generation.
        population: Points of a generation; None for 4 + 3 ln d.
        options: Further options of cma, by their names there ("CMA_active", "tolfun").
        settings: As for `Method`; `scale` is the first standard deviation.

    Raises:
        UsageError: If cma is not installed, or for one coordinate only.

    Source: Hansen and Ostermeier 2001, doi 10.1162/106365601750190398; Hansen 2016, arXiv
    1604.00772; Ros and Hansen 2008, doi 10.1007/978-3-540-87700-4_30, for the diagonal one.

    >>> CMAES(torch.zeros(8)).ask().shape
    torch.Size([11, 8])
    """

    name = "cma-es"
    title = "CMA-ES"
    source = "Hansen 2016, arXiv 1604.00772"

    def __init__(
        self,
        start: Tensor,
        *,
        population: int | None = None,
        options: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(start, **settings)
        if self.dimension < 2:
            raise UsageError(
                "cma-es needs at least 2 coordinates, the start has 1",
                hint="one-plus-one-es and nelder-mead work on a line",
            )
        self._random = np.random.RandomState(self._seed()).get_state()
        self._drawn: list[Any] = []
        with self._own_random():
            strategy = _cma().CMAEvolutionStrategy
            first = self.start.cpu().double().numpy()
            self._strategy: Any = strategy(first, self.scale, self._options(population, options))

    def _options(self, population: int | None, options: dict[str, Any] | None) -> dict[str, Any]:
        chosen: dict[str, Any] = {
            "verbose": -9,
            "verb_log": 0,
            "seed": float("nan"),  # cma is not to seed numpy
            "maxiter": sys.maxsize,
            "CMA_diagonal": self.dimension > DIAGONAL_ABOVE,
        }
        if population is not None:
            chosen["popsize"] = population
        if self.bounds is not None:
            chosen["bounds"] = [side.tolist() for side in self.bounds]
        return chosen | (options or {})

    def _generation(self) -> Tensor | None:
        why = self._strategy.stop()
        if why:
            self.finished = ", ".join(f"{key} {value}" for key, value in why.items())
            return None
        with self._own_random():
            self._drawn = self._strategy.ask()
        points = torch.from_numpy(np.stack(self._drawn))
        return points if self.evaluations else torch.cat([points, self.start[None].cpu()])

    def _digest(self, points: Tensor, values: Tensor) -> None:  # noqa: ARG002 - cma has its own
        known = values[: len(self._drawn)].clamp(max=LARGEST).tolist()
        with self._own_random():
            self._strategy.tell(self._drawn, known)

    @contextmanager
    def _own_random(self) -> Iterator[None]:
        """Lend cma, which draws from numpy's global generator, a state of its own."""
        found = np.random.get_state()
        np.random.set_state(self._random)
        try:
            yield
        finally:
            self._random = np.random.get_state()
            np.random.set_state(found)


def _cma() -> Any:
    try:
        import cma
    except ImportError:
        raise UsageError(
            "CMA-ES needs the package cma", hint='pip install "torchclinic[optim]"'
        ) from None
    return cma


METHODS.add(CMAES.name, CMAES)
