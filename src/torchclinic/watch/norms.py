"""Euclidean norms of many tensors in one call."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchclinic.watch.columns import Values
from torchclinic.watch.foreach import foreach_norm

_PLAIN = (torch.float32, torch.float64)


def all_plain(tensors: Sequence[Tensor]) -> bool:
    """Whether torch can take all norms in one call: dense, not half precision, on one device.

    >>> all_plain([torch.ones(1), torch.ones(1).half()])
    False
    """
    return all(
        t.dtype in _PLAIN and t.device == tensors[0].device and not t.is_sparse for t in tensors
    )


def norms(tensors: list[Tensor], plain: bool, scale: Tensor | None = None) -> Values:
    """Norm of each tensor: floats on a CPU, where reading them does not wait, else one tensor.

    Half-precision tensors are summed in 32 bits, sparse ones as they would be in full.

    Args:
        tensors: Any number.
        plain: Whether `all_plain` holds of them.
        scale: What each of them was multiplied by.

    >>> norms([torch.tensor([3.0, 4.0]), torch.tensor([1.0])], plain=True)
    [5.0, 1.0]
    """
    if not tensors:
        return ()
    found = foreach_norm(tensors) if plain else [_norm(tensor) for tensor in tensors]
    if scale is None and plain and tensors[0].is_cpu:
        return [norm.item() for norm in found]
    device = tensors[0].device
    values = torch.stack([norm.detach().to(device) for norm in found])
    if scale is not None:
        values = values / scale.to(values)
    return values.tolist() if values.is_cpu else values


def _norm(tensor: Tensor) -> Tensor:
    dense = tensor.detach()
    if dense.is_sparse:
        dense = dense.coalesce().values()
    return torch.linalg.vector_norm(dense if dense.dtype in _PLAIN else dense.float())
