"""From the calls that the hooks saw to one output a layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchclinic.watch.seen import Seen
from torchclinic.watch.thin import widen


def one_a_layer(seen: Sequence[Seen]) -> list[Seen]:
    """What was seen of each layer, several calls of it put together.

    A module that is used twice in a forward pass, or in several passes before one step, has its
    outputs joined along the rows, so that every statistic is one over all of its calls. Calls in
    evaluation mode are left out when there are calls in training mode.

    Args:
        seen: All calls of a step.
    """
    kept = [call for call in seen if call.training] or list(seen)
    if len({call.target.index for call in kept}) == len(kept):
        return kept
    by_layer: dict[int, list[Seen]] = {}
    for call in kept:
        by_layer.setdefault(call.target.index, []).append(call)
    return [calls[0] if len(calls) == 1 else _join(calls) for calls in by_layer.values()]


def _join(calls: list[Seen]) -> Seen:
    joined = Seen(calls[0].target, calls[0].training)
    joined.sample = _rows([call.sample for call in calls], joined.target.unit_dim)
    joined.gradient = _rows([call.gradient for call in calls], joined.target.unit_dim)
    maxima = [call.maxima for call in calls if call.maxima is not None]
    if maxima:
        joined.maxima = torch.stack(maxima).amax(0)
        joined.rows = sum(call.rows for call in calls)
    return joined


def _rows(tensors: list[Tensor | None], unit_dim: int) -> Tensor | None:
    """One tensor of all rows where units line up, of all elements where they do not."""
    found = [widen(tensor) for tensor in tensors if tensor is not None]
    if len(found) < 2:
        return found[0] if found else None
    first = found[0]
    lined_up = all(t.shape[1:] == first.shape[1:] for t in found)
    if lined_up and first.ndim > 1 and unit_dim % first.ndim != 0:
        return torch.cat(found)
    return torch.cat([tensor.reshape(-1) for tensor in found])
