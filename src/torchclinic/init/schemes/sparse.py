"""Sparse initialisation: each unit listens to a few inputs only."""

from __future__ import annotations

from math import ceil, prod

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme

SPARSITY = 0.9


def sparse(sparsity: float = SPARSITY) -> Scheme:
    r"""A share of each unit's weights is 0, the others are normal.

    With m of n weights left, $\sigma = g / \sqrt{n_{in} m / n}$, so that the unit's sum has the
    variance that He initialisation gives it. At least one weight is left. (Torch's `sparse_` takes
    matrices only and draws the places of the zeros from the global generator.)

    Args:
        sparsity: Share of zeros, at least 0 and below 1.

    Raises:
        UsageError: For a share out of range.

    Source: Martens 2010, section 5, ICML (15 weights a unit there).

    >>> values = sparse(0.75).fill(Fill((3, 8), 8, 3, 1.0))
    >>> (values != 0).sum(1).tolist()
    [2, 2, 2]
    """
    if not 0 <= sparsity < 1:
        raise UsageError(f"sparsity is {sparsity}", hint="at least 0 and below 1")

    def fill_in(fill: Fill) -> Tensor:
        inputs, left = prod(fill.shape[1:]), _left(fill, sparsity)
        std = fill.gain / (fill.fan_in * left / inputs) ** 0.5
        draws = torch.rand(fill.shape[0], inputs, generator=fill.generator)
        chosen = torch.zeros_like(draws).scatter_(1, draws.topk(left, dim=1).indices, 1.0)
        return fill.normal(std) * chosen.view(fill.shape)

    return Scheme(
        "sparse",
        f"sparse, {sparsity:.0%} zeros",
        fill_in,
        lambda fill: fill.gain / fill.fan_in**0.5,
        "Martens 2010, section 5, ICML",
        with_options=sparse,
    )


def _left(fill: Fill, sparsity: float) -> int:
    inputs = prod(fill.shape[1:])
    return max(1, inputs - ceil(sparsity * inputs))


SPARSE = SCHEMES.add("sparse", sparse())
