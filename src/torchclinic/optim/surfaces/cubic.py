"""The cubic: a terrace on the way down, on a line."""

from __future__ import annotations

import math

from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface


def _cubic(x: Tensor) -> Tensor:
    return x[..., 0] ** 3


cubic = SURFACES.add(
    "cubic",
    Surface(
        name="cubic",
        title="cubic: a terrace on the way down",
        formula=r"x^3",
        function=_cubic,
        minima=(),
        lowest=-math.inf,
        start=(1.0,),
        bounds=((-1.5, 1.5),),
        source="Dauphin et al. 2014, section 2, arXiv 1406.2572 (degenerate critical points)",
        stationary=((0.0,),),
    ),
)
