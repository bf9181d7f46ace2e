"""Levy's function: many local minima of uneven depth around one that is lowest."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.optim.surfaces.surface import SURFACES, Surface


def _levy(x: Tensor) -> Tensor:
    w = 1 + (x - 1) / 4
    first = torch.sin(torch.pi * w[..., 0]) ** 2
    inner = (w[..., :-1] - 1) ** 2 * (1 + 10 * torch.sin(torch.pi * w[..., :-1] + 1) ** 2)
    last = (w[..., -1] - 1) ** 2 * (1 + torch.sin(2 * torch.pi * w[..., -1]) ** 2)
    return first + inner.sum(-1) + last


levy = SURFACES.add(
    "levy",
    Surface(
        name="levy",
        title="Levy: many local minima",
        formula=(
            r"\sin^2(\pi w_1) + \sum_{i<d} (w_i - 1)^2 (1 + 10 \sin^2(\pi w_i + 1))"
            r" + (w_d - 1)^2 (1 + \sin^2(2 \pi w_d)),\ w = 1 + (x - 1) / 4"
        ),
        function=_levy,
        minima=((1.0, 1.0),),
        lowest=0.0,
        start=(-7.0, 6.0),
        bounds=((-10.0, 10.0), (-10.0, 10.0)),
        source="Laguna and Marti 2005, doi 10.1007/s10898-004-1936-z",
        any_dimension=True,
    ),
)
