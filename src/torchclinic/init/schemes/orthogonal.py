"""Orthogonal initialisation: keeps lengths exactly, whatever the depth."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import init

from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def _fill(fill: Fill) -> Tensor:
    values = torch.empty(fill.shape)
    return init.orthogonal_(values, fill.gain, generator=fill.generator)


def _std(fill: Fill) -> float:
    rows, columns = fill.shape[0], prod(fill.shape[1:])
    return fill.gain / max(rows, columns) ** 0.5


ORTHOGONAL = SCHEMES.add(
    "orthogonal",
    Scheme("orthogonal", "orthogonal", _fill, _std, "Saxe et al. 2013, arXiv 1312.6120"),
)
