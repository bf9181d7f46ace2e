"""Norms of a parameter's units."""

from __future__ import annotations

import torch
from torch import Tensor


def unit_norms(tensor: Tensor) -> Tensor:
    """Euclidean norm of each unit's elements; of a vector or a number, of all of it.

    A unit is a member of the first dimension: a row of a linear weight, a filter of a convolution,
    a row of an embedding.

    **Shape**: (units, ...) -> (units, 1, ...); (n,) -> (1,); () -> ().

    >>> unit_norms(torch.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[5.0], [1.0]]
    """
    if tensor.dim() < 2:
        return torch.linalg.vector_norm(tensor, keepdim=True)
    return torch.linalg.vector_norm(tensor, dim=tuple(range(1, tensor.dim())), keepdim=True)
