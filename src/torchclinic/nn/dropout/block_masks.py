"""Masks of square blocks: where blocks begin, and what they cover."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by


def block_rate(p: float, block: Sequence[int], size: Sequence[int]) -> float:
    r"""Probability that a block begins at a place, so that about the share p is dropped.

    $\gamma = \frac{p}{\prod b} \cdot \frac{\prod s}{\prod (s - b + 1)}$

    Blocks that overlap are counted twice, so that the share that is really dropped is smaller:
    `expected_drop` tells it. With p = 1 everything is dropped.

    Args:
        p: Share to be dropped.
        block: Sides of a block.
        size: Sides of the map.

    Source: Ghiasi, Lin and Le 2018, "DropBlock", equation 1, arXiv 1810.12890.

    >>> round(block_rate(0.1, (7, 7), (14, 14)), 5)
    0.00625
    """
    if p == 1.0:
        return 1.0
    places = prod([s - b + 1 for s, b in zip(size, block, strict=True)])
    return min(1.0, p * prod(size) / (prod(block) * places))


def expected_drop(p: float, block: Sequence[int], size: Sequence[int]) -> float:
    r"""The share of a map that is dropped on average.

    $1 - \frac{1}{\prod s} \sum_x (1 - \gamma)^{n(x)}$, with n(x) the number of places at which a
    block that covers x can begin.

    Args:
        p: As given to the layer.
        block: Sides of a block.
        size: Sides of the map.

    >>> round(expected_drop(0.1, (7, 7), (14, 14)), 4)
    0.0929
    """
    covering = torch.ones(())
    for side, extent in zip(block, size, strict=True):
        place = torch.arange(extent)
        ways = torch.minimum(place, torch.tensor(extent - side)) - (place - side + 1).clamp(min=0)
        covering = covering.unsqueeze(-1) * (ways + 1)
    kept = (1.0 - block_rate(p, block, size)) ** covering.to(torch.float64)
    return 1.0 - kept.mean().item()


def block_mask(like: Tensor, p: float, block: Sequence[int]) -> Tensor:
    """Which elements lie in a dropped block, each channel of each row with blocks of its own.

    Corners are drawn where a block still fits and spread to whole blocks by shifts of the
    flattened map, which costs a byte and a few instructions an element.

    **Shape**: (..., *map) -> the same, uint8, 1 where dropped.

    Args:
        like: Gives shape and device.
        p: Share to be dropped, as in `block_rate`.
        block: Sides of a block, none longer than the map's.

    >>> _ = torch.manual_seed(0)
    >>> block_mask(torch.empty(1, 1, 8), 0.4, (3,)).tolist()
    [[[0, 0, 1, 1, 1, 1, 0, 0]]]
    """
    size = like.shape[like.dim() - len(block) :]
    lead = like.shape[: like.dim() - len(block)]
    places = [s - b + 1 for s, b in zip(size, block, strict=True)]
    corners = torch.rand((*lead, *places), device=like.device) < block_rate(p, block, size)
    margins = [m for b in reversed(block) for m in (0, b - 1)]
    flat = F.pad(corners.to(torch.uint8), margins).flatten()
    for dim, side in enumerate(block):
        flat = _spread(flat, side, prod(size[dim + 1 :]))
    return flat.view(like.shape)


def _spread(flat: Tensor, side: int, stride: int) -> Tensor:
    """Set the `side - 1` elements behind each set one, by doubling."""
    reach = 1
    while reach < side:
        step = min(reach, side - reach)
        shift = step * stride
        flat = flat | F.pad(flat[: flat.numel() - shift], (shift, 0))
        reach += step
    return flat
