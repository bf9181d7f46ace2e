"""Orthogonal initialisation: keeps lengths exactly, whatever the depth."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import init

from torchclinic.core import UsageError
from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme


def orthogonal(gain: float | None = None) -> Scheme:
    """Orthonormal rows or columns, times a gain (torch's `orthogonal_`).

    Args:
        gain: For all layers; None for that of each layer's activation.

    Raises:
        UsageError: For a gain that is not above 0.

    Source: Saxe et al. 2013, arXiv 1312.6120.

    >>> values = orthogonal().fill(Fill((2, 3), 3, 2, 2.0))
    >>> bool(torch.allclose(values @ values.T, 4 * torch.eye(2), atol=1e-5))
    True
    """
    if gain is not None and not 0 < gain < float("inf"):
        raise UsageError(f"gain is {gain}", hint="above 0, or None for the activation's own")

    def chosen(fill: Fill) -> float:
        return fill.gain if gain is None else gain

    def fill_in(fill: Fill) -> Tensor:
        return init.orthogonal_(torch.empty(fill.shape), chosen(fill), generator=fill.generator)

    def std(fill: Fill) -> float:
        return chosen(fill) / max(fill.shape[0], prod(fill.shape[1:])) ** 0.5

    return Scheme(
        "orthogonal",
        "orthogonal" if gain is None else f"orthogonal, gain {gain:g}",
        fill_in,
        std,
        "Saxe et al. 2013, arXiv 1312.6120",
        with_options=orthogonal,
    )


ORTHOGONAL = SCHEMES.add("orthogonal", orthogonal())
