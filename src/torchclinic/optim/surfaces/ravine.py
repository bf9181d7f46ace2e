"""The ravine: steep across, flat along."""

from __future__ import annotations

from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface

STEEPNESS = 25.0  # ratio of the curvatures: plain descent has to take 25 times too small a step


def _ravine(x: Tensor) -> Tensor:
    return (x[..., 0] ** 2 + STEEPNESS * x[..., 1] ** 2) / 2


ravine = SURFACES.add(
    "ravine",
    Surface(
        name="ravine",
        title="ravine: steep across, flat along",
        formula=r"(x^2 + 25 y^2) / 2",
        function=_ravine,
        minima=((0.0, 0.0),),
        lowest=0.0,
        start=(-4.0, 1.5),
        bounds=((-5.0, 2.0), (-2.0, 2.0)),
        source="Goh 2017, Why Momentum Really Works, doi 10.23915/distill.00006",
    ),
)
