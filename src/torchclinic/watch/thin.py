"""A small, evenly spread part of a large tensor."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any

import torch
from torch import Tensor

LIMIT = 4000  # elements of an output that are read
# Of a large output only its last rows are looked at, as many as hold so many elements: they were
# written last and are still in the caches, which makes reading them three times as fast.
_RECENT = 1 << 18
_RUN = 8  # neighbours that are read together: a cache line holds 16, and memory is read by lines


def thin(tensor: Tensor, limit: int = LIMIT) -> Tensor:
    """Copy `limit` elements, spread evenly over the last rows, all units and all positions.

    They are runs of 8 neighbours whose beginnings lie a constant stride apart in memory. The stride
    shares no factor with the number of elements, so that the runs begin at every unit and every
    position alike.

    Shape: any with more than `limit` elements -> (limit,).

    Args:
        tensor: A strided tensor.
        limit: How many elements, a multiple of 8.

    Returns:
        A new tensor without gradient, at least 32-bit.

    >>> thin(torch.arange(100.0).view(10, 10), 16).tolist()[::8]
    [0.0, 91.0]
    """
    found = spread(last_rows(tensor.detach()), limit)
    return (found.clone() if found.dtype in _EXACT else found.float()).view(-1)


def last_rows(tensor: Tensor) -> Tensor:
    """The last rows of a large tensor, at least one; a small one as it is.

    >>> last_rows(torch.zeros(64, 32, 32, 32)).shape
    torch.Size([8, 32, 32, 32])
    """
    size = tensor.numel()
    if size <= _RECENT or tensor.ndim < 2:
        return tensor
    return tensor[-max(_RECENT * tensor.shape[0] // size, 1) :]


def spread(tensor: Tensor, limit: int) -> Tensor:
    """Runs of elements, spread evenly over the whole tensor, as a view where the tensor's memory is dense.

    >>> spread(torch.zeros(10, 10), 16).shape
    torch.Size([2, 8])
    """
    flat = _flat(tensor)
    size = flat.numel()
    stride = _stride(size, limit // _RUN)
    return flat.as_strided((limit // _RUN, _RUN), (stride, 1), flat.storage_offset())


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
def _stride(elements: int, runs: int) -> int:
    """The largest stride between runs that fits in and has no factor in common with `elements`."""
    stride = (elements - _RUN) // (runs - 1)
    while gcd(stride, elements) > 1:
        stride -= 1
    return stride
