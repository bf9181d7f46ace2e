"""A small, evenly spread part of a large tensor."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any

import torch
from torch import Tensor

LIMIT = 4000  # elements of an output that are read
# Of a large output only its last rows are looked at, as many as hold so many elements: they were
# written last and are still in the caches.
_RECENT = 1 << 18
_RUN = 8  # neighbours that are read together: a cache line holds 16, and memory is read by lines
_EXACT = (torch.float32, torch.float64)


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
    tensor = tensor.detach()
    place = _last_runs(tuple(tensor.shape), tensor.stride(), limit)
    if place is None:  # not dense in memory
        tensor = tensor.contiguous()
        place = _last_runs(tuple(tensor.shape), tensor.stride(), limit)
        assert place is not None
    offset, stride = place
    # few operations: beside a training each one's first call takes 10 us and more
    found = tensor.as_strided((limit // _RUN, _RUN), (stride, 1), tensor.storage_offset() + offset)
    return (found.clone() if found.dtype in _EXACT else found.float()).view(-1)


def spread(tensor: Tensor, limit: int) -> Tensor:
    """A view of runs of elements, spread evenly over a whole contiguous tensor.

    >>> spread(torch.zeros(10, 10), 16).shape
    torch.Size([2, 8])
    """
    stride = _stride(tensor.numel(), limit // _RUN)
    return tensor.as_strided((limit // _RUN, _RUN), (stride, 1), tensor.storage_offset())


def last_rows(rows: int, elements: int) -> int:
    """How many of the last rows of a tensor with so many rows and elements are looked at.

    >>> last_rows(64, 64 * 32 * 32 * 32), last_rows(64, 640)
    (8, 64)
    """
    return rows if elements <= _RECENT else max(_RECENT * rows // elements, 1)


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


@lru_cache(maxsize=1024)
def _last_runs(
    shape: tuple[int, ...], strides: tuple[int, ...], limit: int
) -> tuple[int, int] | None:
    """Where in memory the last rows begin and the stride between runs; None if it is not dense."""
    dims = sorted((stride, size) for stride, size in zip(strides, shape, strict=True) if size > 1)
    elements = 1
    for stride, size in dims:
        if stride != elements:
            return None
        elements *= size
    rows = shape[0]
    if rows > 1 and strides[0] != elements // rows:
        return 0, _stride(elements, limit // _RUN)  # rows do not lie one after the other
    kept = last_rows(rows, elements) * (elements // rows)
    return elements - kept, _stride(kept, limit // _RUN)


def _stride(elements: int, runs: int) -> int:
    """The largest stride between runs that fits in and has no factor in common with `elements`."""
    stride = (elements - _RUN) // (runs - 1)
    while gcd(stride, elements) > 1:
        stride -= 1
    return stride
