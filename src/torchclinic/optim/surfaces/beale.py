"""Beale's function: a plateau with sharp peaks at the corners."""

from __future__ import annotations

from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface


def _beale(points: Tensor) -> Tensor:
    x, y = points[..., 0], points[..., 1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


beale = SURFACES.add(
    "beale",
    Surface(
        name="beale",
        title="Beale: a flat valley between steep corners",
        formula=r"(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
        function=_beale,
        minima=((3.0, 0.5),),
        lowest=0.0,
        start=(1.0, 1.5),
        bounds=((-4.5, 4.5), (-4.5, 4.5)),
        source="Beale 1958, On an iterative method for finding a local minimum",
        stationary=((0.0, 1.0),),
    ),
)
