"""Simultaneous perturbation: a gradient from two evaluations, whatever the dimension."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.optim.derivative_free.method import METHODS, Method

ALPHA, GAMMA = 0.602, 0.101  # decay of the step and of the perturbation, Spall 1998, section III
STABILITY = 50  # his A: steps that the first ones are slowed down by
CALIBRATION = 4  # pairs by which the first step's length is set


class SPSA(Method):
    r"""Descent along a gradient that is estimated from two points.

    $\hat g_k = \frac{f(x_k + c_k \Delta_k) - f(x_k - c_k \Delta_k)}{2 c_k} \Delta_k$ with
    $\Delta_k \in \{-1, 1\}^d$, and $x_{k+1} = x_k - a_k \hat g_k$ with
    $a_k = a / (k + 1 + A)^{0.602}$ and $c_k = c / (k + 1)^{0.101}$. The constant a is set by
    a first generation so that the first step moves each coordinate by `step * scale`.

    Args:
        start: Where it begins.
        step: Length of the first step in each coordinate, relative to `scale`.
        perturbation: c, relative to `scale`.
        pairs: Estimates that are averaged for one step.
        settings: As for `Method`.

    Source: Spall 1992, doi 10.1109/9.119632; Spall 1998, doi 10.1109/7.705889, for the constants.

    >>> method = SPSA(torch.ones(3, dtype=torch.float64))
    >>> method.ask().shape  # four pairs that set the step, and the start
    torch.Size([9, 3])
    """

    name = "spsa"
    title = "SPSA"
    source = "Spall 1992, doi 10.1109/9.119632"

    def __init__(
        self,
        start: Tensor,
        *,
        step: float = 0.1,
        perturbation: float = 0.01,
        pairs: int = 1,
        **settings: Any,
    ) -> None:
        super().__init__(start, **settings)
        if not (step > 0 and perturbation > 0 and pairs >= 1):
            raise UsageError(
                f"step={step}, perturbation={perturbation}, pairs={pairs}",
                hint="step and perturbation above 0, pairs at least 1",
            )
        self.step, self.perturbation, self.pairs = step, perturbation, pairs
        self.steps = 0
        self._at = self.start
        self._a: float | None = None
        self._signs = self.start[:0]

    def _generation(self) -> Tensor:
        pairs = self.pairs if self._a is not None else max(self.pairs, CALIBRATION)
        drawn = torch.randint(2, (pairs, self.dimension), generator=self.generator)
        self._signs = (2 * drawn - 1).to(self.start)
        away = self._width() * self._signs
        points = torch.cat([self._at + away, self._at - away])
        return points if self._a is not None else torch.cat([points, self.start[None]])

    def _digest(self, points: Tensor, values: Tensor) -> None:  # noqa: ARG002 - signs tell
        pairs = len(self._signs)
        slopes = (values[:pairs] - values[pairs : 2 * pairs]) / (2 * self._width())
        usable = slopes.isfinite()
        if not bool(usable.any()):
            self.steps += 1  # no estimate: try other signs, a little closer
            return
        weights = torch.where(usable, slopes, 0.0).to(self._signs)
        gradient = weights @ self._signs / float(usable.sum())
        if self._a is None:
            typical = max(float(slopes[usable].abs().mean()), 1e-30)
            self._a = self.step * self.scale * (1 + STABILITY) ** ALPHA / typical
        rate = self._a / (self.steps + 1 + STABILITY) ** ALPHA
        self._at = self._clamp(self._at - rate * gradient)
        self.steps += 1

    def _width(self) -> float:
        return self.perturbation * self.scale / (self.steps + 1) ** GAMMA


METHODS.add(SPSA.name, SPSA)
