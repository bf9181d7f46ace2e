"""Himmelblau's function: four minima of the same depth."""

from __future__ import annotations

from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface


def _himmelblau(points: Tensor) -> Tensor:
    x, y = points[..., 0], points[..., 1]
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


himmelblau = SURFACES.add(
    "himmelblau",
    Surface(
        name="himmelblau",
        title="Himmelblau: four minima of one depth",
        formula=r"(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
        function=_himmelblau,
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        lowest=0.0,
        start=(-0.5, -1.0),
        bounds=((-5.0, 5.0), (-5.0, 5.0)),
        source="Himmelblau 1972, Applied Nonlinear Programming",
        stationary=((-0.270844590667, -0.923038522350),),
    ),
)
