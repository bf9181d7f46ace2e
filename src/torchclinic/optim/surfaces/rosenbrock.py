"""Rosenbrock's function: a curved valley."""

from __future__ import annotations

from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface


def _rosenbrock(x: Tensor) -> Tensor:
    head, tail = x[..., :-1], x[..., 1:]
    return (100 * (tail - head**2) ** 2 + (1 - head) ** 2).sum(-1)


rosenbrock = SURFACES.add(
    "rosenbrock",
    Surface(
        name="rosenbrock",
        title="Rosenbrock: a curved, flat valley",
        formula=r"\sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2",
        function=_rosenbrock,
        minima=((1.0, 1.0),),
        lowest=0.0,
        start=(-1.2, 1.0),
        bounds=((-2.0, 2.0), (-1.0, 3.0)),
        source="Rosenbrock 1960, doi 10.1093/comjnl/3.3.175",
        any_dimension=True,
    ),
)
