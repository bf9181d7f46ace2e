"""Surface: a differentiable test function with what is known about it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.core import Registry, UsageError

Point = tuple[float, ...]


@dataclass(frozen=True)
class Surface:
    """A function to descend on, with its minima, a start and a part worth drawing.

    Attributes:
        name: Kebab-case, unique.
        title: For pictures: what is hard about it.
        formula: As a textbook writes it.
        function: Tensor (..., d) -> (...), differentiable everywhere.
        minima: Points where it is lowest; empty if it has no minimum.
        lowest: Its value there; minus infinity if it has no minimum.
        start: Where trajectories begin.
        bounds: (low, high) of each coordinate: the part worth drawing, which holds the minima.
        stationary: Points of zero gradient that are no minima (a saddle, a terrace).
        source: Where it comes from.
        any_dimension: Whether `function` takes points of any dimension.
    """

    name: str
    title: str
    formula: str
    function: Callable[[Tensor], Tensor]
    minima: tuple[Point, ...]
    lowest: float
    start: Point
    bounds: tuple[tuple[float, float], ...]
    source: str
    stationary: tuple[Point, ...] = ()
    any_dimension: bool = False

    def __call__(self, points: Tensor | Sequence[float]) -> Tensor:
        """Values at points.

        Shape: (..., d) -> (...).

        Raises:
            UsageError: If the points have another dimension.
        """
        x = points if isinstance(points, Tensor) else torch.tensor(points, dtype=torch.float64)
        if x.dim() == 0 or x.shape[-1] != self.dimension:
            raise UsageError(
                f"points of shape {tuple(x.shape)} are none of {self.name!r}",
                hint=f"their last dimension has {self.dimension} coordinates",
            )
        return self.function(x)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.start)

    @property
    def minimum(self) -> Point | None:
        """The first of the minima; None if there is none."""
        return self.minima[0] if self.minima else None

    def distance(self, points: Tensor) -> Tensor:
        """Distance to the nearest minimum; infinity where there is none.

        Shape: (..., d) -> (...).
        """
        if not self.minima:
            return points.new_full(points.shape[:-1], math.inf)
        minima = points.new_tensor(self.minima)
        return (points.unsqueeze(-2) - minima).norm(dim=-1).amin(-1)

    def grid(self, points: int = 101) -> tuple[Tensor, ...]:
        """Coordinates and values over the bounds, ready for a contour plot.

        Args:
            points: Along each axis.

        Returns:
            For a plane (x, y, value), each (points, points); for a line (x, value).

        Raises:
            UsageError: For more than two coordinates.
        """
        if self.dimension > 2:
            raise UsageError(f"{self.name!r} in {self.dimension} dimensions cannot be drawn")
        axes = [torch.linspace(low, high, points, dtype=torch.float64) for low, high in self.bounds]
        mesh = torch.meshgrid(*axes, indexing="xy")
        return (*mesh, self(torch.stack(mesh, dim=-1)))

    def in_dimensions(self, dimension: int) -> Surface:
        """The same function of more (or fewer) coordinates.

        Raises:
            UsageError: For a function of one dimension only.
        """
        if not self.any_dimension or dimension < 2:
            raise UsageError(f"{self.name!r} has no form in {dimension} dimensions")
        return dataclasses.replace(
            self,
            minima=tuple((point[0],) * dimension for point in self.minima),
            start=tuple(self.start[i % 2] for i in range(dimension)),
            bounds=(self.bounds[0],) * dimension,
        )


SURFACES: Registry[Surface] = Registry("surface", "torchclinic.surfaces")
