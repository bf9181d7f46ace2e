"""A small, evenly spread part of a large tensor."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any

import torch
from torch import Tensor

LIMIT = 4000  # elements of an output that are read


def thin(tensor: Tensor, limit: int = LIMIT) -> Tensor:
    """Copy `limit` elements, spread evenly over all rows, units and positions.

    The elements lie a constant stride apart in memory; the stride shares no factor with the number
    of elements, so that it meets every unit and every position alike.

    Shape: any with more than `limit` elements -> (limit,).

    Args:
        tensor: A strided tensor.
        limit: How many elements.

    Returns:
        A new tensor without gradient, at least 32-bit.

    >>> thin(torch.arange(100.0).view(10, 10), 5).tolist()
    [0.0, 19.0, 38.0, 57.0, 76.0]
    """
    tensor = tensor.detach()
    flat = _flat(tensor)[:: _stride(tensor.numel(), limit)][:limit]
    return flat.clone() if flat.dtype in _EXACT else flat.float()


_EXACT = (torch.float32, torch.float64)


def widen(tensor: Tensor) -> Tensor:
    """At least 32-bit: half precision overflows in sums of squares.

    >>> widen(torch.ones(1, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return tensor if tensor.dtype in _EXACT else tensor.float()


def first_float(value: Any) -> Tensor | None:
    """The first floating-point tensor in an output that may be a tuple, a list or a dict.

    >>> first_float({"ids": torch.tensor([1]), "logits": (torch.ones(2), 3)})
    tensor([1., 1.])
    """
    if isinstance(value, Tensor):
        return value if value.is_floating_point() else None
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        found = (first_float(part) for part in value)
        return next((tensor for tensor in found if tensor is not None), None)
    return None


def _flat(tensor: Tensor) -> Tensor:
    """All elements in one dimension, without a copy where the memory is dense."""
    if tensor.is_contiguous():
        return tensor.view(-1)
    for ndim, layout in ((4, torch.channels_last), (5, torch.channels_last_3d)):
        if tensor.ndim == ndim and tensor.is_contiguous(memory_format=layout):
            return tensor.as_strided((tensor.numel(),), (1,))
    return tensor.reshape(-1)


@lru_cache(maxsize=1024)
def _stride(elements: int, limit: int) -> int:
    """The largest stride without a common factor with `elements` that still gives `limit`."""
    stride = max(elements // limit, 1)
    while gcd(stride, elements) > 1:
        stride -= 1
    return stride
