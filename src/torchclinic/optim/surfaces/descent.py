"""A gradient method's way down a surface."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from torchclinic.core import Schedule
from torchclinic.optim.surfaces.surface import Surface


@dataclass(frozen=True, eq=False)
class Descent:
    """Where an optimizer went.

    Attributes:
        points: (steps + 1, d), the start first.
        values: (steps + 1,), of the surface at them.
    """

    points: Tensor
    values: Tensor

    def steps_to(self, value: float) -> int | None:
        """Steps until the surface is at most `value` for the first time; None if it never is."""
        reached = (self.values <= value).nonzero()
        return int(reached[0]) if len(reached) else None


def descend(
    surface: Surface,
    optimizer: Callable[[list[Tensor]], Optimizer],
    steps: int,
    *,
    start: Sequence[float] | None = None,
    schedule: Schedule | None = None,
    noise: float = 0.0,
    generator: torch.Generator | None = None,
) -> Descent:
    """Let an optimizer walk down a surface.

    Args:
        surface: The surface.
        optimizer: A factory, such as `optim.make("sgd", lr=0.01)`.
        steps: How many updates. What is not finite any more stays as it was.
        start: Instead of the surface's own.
        schedule: Of the learning rate, stepped after each update.
        noise: Standard deviation of what is added to the gradient, as from mini-batches.
        generator: Source of the noise; None for one of its own with seed 0.

    >>> from torchclinic.optim.surfaces import ravine
    >>> way = descend(ravine, lambda p: torch.optim.SGD(p, lr=0.07), steps=100)
    >>> way.values[0].item(), way.steps_to(0.01)
    (36.125, 47)
    """
    draws = generator or torch.Generator().manual_seed(0)
    begin = torch.tensor(surface.start if start is None else tuple(start), dtype=torch.float64)
    at = begin.clone().requires_grad_()
    walker = optimizer([at])
    scheduler: Any = schedule.factory(walker, steps) if schedule is not None else None

    def closure() -> float:
        walker.zero_grad()
        value = surface(at)
        value.backward()
        if noise and at.grad is not None:
            at.grad += noise * torch.randn(at.shape, generator=draws, dtype=at.dtype)
        return value.item()

    points, values = [begin], [float(surface(begin))]
    for _ in range(steps):
        if not math.isfinite(values[-1]):
            points.append(points[-1])
            values.append(values[-1])
            continue
        walker.step(closure)
        if scheduler is not None:
            scheduler.step()
        points.append(at.detach().clone())
        values.append(float(surface(points[-1])))
    return Descent(torch.stack(points), torch.tensor(values, dtype=torch.float64))
