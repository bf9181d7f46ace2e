"""The (1+1) evolution strategy with the rule of one success in five."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from torchclinic.optim.derivative_free.method import METHODS, Method

SUCCESS_RATE = 0.2  # Rechenberg 1973: about the best for the sphere and for the corridor
SMALLEST = 1e-14  # of the step relative to its start: below it nothing moves any more


class OnePlusOneES(Method):
    r"""One parent, one child; the child replaces the parent if it is not worse.

    $x' = x + \sigma\,\xi$, $\xi \sim N(0, I)$, and after each child
    $\sigma \leftarrow \sigma \exp\left(\frac{1}{\sqrt{d + 1}} \cdot
    \frac{[\text{success}] - 1/5}{1 - 1/5}\right)$.

    Source: Rechenberg 1973, Evolutionsstrategie; Auger 2009, Benchmarking the (1+1) evolution
    strategy with one-fifth success rule, GECCO, for this form of the rule.

    >>> import torch
    >>> method = OnePlusOneES(torch.ones(2, dtype=torch.float64))
    >>> for _ in range(200):
    ...     points = method.ask()
    ...     method.tell(points, points.square().sum(1))
    >>> method.best.value < 1e-6
    True
    """

    name = "one-plus-one-es"
    title = "(1+1)-ES"
    source = "Rechenberg 1973; Auger 2009, GECCO"

    def __init__(self, start: Tensor, **settings: Any) -> None:
        super().__init__(start, **settings)
        self.step_size = self.scale
        self._parent: Tensor | None = None
        self._value = math.inf

    def _generation(self) -> Tensor:
        if self._parent is None:
            return self.start[None]
        return (self._parent + self.step_size * self._randn(self.dimension))[None]

    def _digest(self, points: Tensor, values: Tensor) -> None:
        value = float(values[0])
        first, success = self._parent is None, value <= self._value
        if first or success:
            self._parent, self._value = points[0], value
        if first:
            return
        change = (float(success) - SUCCESS_RATE) / (1 - SUCCESS_RATE)
        self.step_size *= math.exp(change / math.sqrt(self.dimension + 1))
        if self.step_size < SMALLEST * self.scale:
            self.finished = f"the step has shrunk to {self.step_size:.1e}"


METHODS.add(OnePlusOneES.name, OnePlusOneES)
