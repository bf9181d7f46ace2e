"""Rastrigin's function: a bowl full of regular dents."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface


def _rastrigin(x: Tensor) -> Tensor:
    return (x**2 - 10 * torch.cos(2 * torch.pi * x) + 10).sum(-1)


rastrigin = SURFACES.add(
    "rastrigin",
    Surface(
        name="rastrigin",
        title="Rastrigin: a bowl full of dents",
        formula=r"10 d + \sum_i x_i^2 - 10 \cos(2 \pi x_i)",
        function=_rastrigin,
        minima=((0.0, 0.0),),
        lowest=0.0,
        start=(3.3, -2.7),
        bounds=((-5.12, 5.12), (-5.12, 5.12)),
        source="Rastrigin 1974; Muehlenbein et al. 1991, doi 10.1016/S0167-8191(05)80052-3",
        any_dimension=True,
    ),
)
