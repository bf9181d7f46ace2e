"""A gradient method's way down a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.surfaces.surface import Surface


@dataclass(frozen=True, eq=False)
class Descent:
    """Where an optimizer went.

    Attributes:
        points: (steps + 1, d), the start first; (steps + 1, starts, d) from several starts.
        values: (steps + 1,) or (steps + 1, starts), of the surface at them.
    """

    points: Tensor
    values: Tensor

    def steps_to(self, value: float) -> int | None:
        """Steps until the surface is at most `value` for the first time; None if it never is.

        Raises:
            UsageError: If there were several starts.
        """
        if self.values.dim() > 1:
            raise UsageError(
                f"{self.values.shape[1]} walks have no common number of steps",
                hint="compare `values` (steps + 1, starts) with the value instead",
            )
        reached = (self.values <= value).nonzero()
        return int(reached[0]) if len(reached) else None


def descend(
    surface: Surface,
    optimizer: Callable[[list[Tensor]], Optimizer],
    steps: int,
    *,
    start: Sequence[float] | Tensor | None = None,
    schedule: Schedule | None = None,
    noise: float = 0.0,
    generator: torch.Generator | None = None,
) -> Descent:
    """Let an optimizer walk down a surface, from one start or from many at once.

    Many starts are one tensor of parameters, whose gradient is that of each start alone. That is
    as good as many walks for methods which treat each coordinate by itself (SGD, momentum,
    Adagrad, RMSprop, Adam), not for those that look at the whole (LBFGS, LAMB, clipping).

    Args:
        surface: The surface.
        optimizer: A factory, such as `optim.make("sgd", lr=0.01)`.
        steps: How many updates. What is not finite any more stays as it was.
        start: Instead of the surface's own: (d,), or (starts, d).
        schedule: Of the learning rate, stepped after each update.
        noise: Standard deviation of what is added to the gradient, as from mini-batches.
        generator: Source of the noise; None for one of its own with seed 0.

    Raises:
        UsageError: If the start is not of the surface's dimension.

    >>> from torchclinic.optim.surfaces import ravine
    >>> way = descend(ravine, lambda p: torch.optim.SGD(p, lr=0.07), steps=100)
    >>> way.values[0].item(), way.steps_to(0.01)
    (36.125, 47)
    """
    draws = generator or torch.Generator().manual_seed(0)
    begin = _start(surface, start)
    at = begin.clone().requires_grad_()
    walker = optimizer([at])
    scheduler: Any = schedule.factory(walker, steps) if schedule is not None else None

    def closure() -> float:
        walker.zero_grad()
        value = surface(at).sum()
        value.backward()
        if noise and at.grad is not None:
            at.grad += noise * torch.randn(at.shape, generator=draws, dtype=at.dtype)
        return value.item()

    points, values = [begin], [surface(begin)]
    for _ in range(steps):
        walks = values[-1].isfinite()
        if walks.any():
            walker.step(closure)
            if scheduler is not None:
                scheduler.step()
        points.append(torch.where(walks.unsqueeze(-1), at.detach(), points[-1]))
        values.append(surface(points[-1]))
    return Descent(torch.stack(points), torch.stack(values))


def _start(surface: Surface, start: Sequence[float] | Tensor | None) -> Tensor:
    given = surface.start if start is None else start
    begin = torch.as_tensor(given, dtype=torch.float64).detach()
    if begin.dim() not in (1, 2) or begin.shape[-1] != surface.dimension or not begin.numel():
        raise UsageError(
            f"start of shape {tuple(begin.shape)} on {surface.name!r}",
            hint=f"({surface.dimension},) or (starts, {surface.dimension})",
        )
    return begin
