"""The saddle: the gradient is zero where there is no minimum."""

from __future__ import annotations

import math

from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface


def _saddle(x: Tensor) -> Tensor:
    return x[..., 0] ** 2 - x[..., 1] ** 2


saddle = SURFACES.add(
    "saddle",
    Surface(
        name="saddle",
        title="saddle: zero gradient without a minimum",
        formula=r"x^2 - y^2",
        function=_saddle,
        minima=(),
        lowest=-math.inf,
        start=(-1.0, 1e-3),
        bounds=((-1.5, 1.5), (-1.5, 1.5)),
        source="Dauphin et al. 2014, arXiv 1406.2572",
        stationary=((0.0, 0.0),),
    ),
)
