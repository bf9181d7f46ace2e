"""Where sequences end and padding begins."""

from __future__ import annotations

import torch
from torch import Tensor


def unpadded(rows: Tensor) -> Tensor | None:
    """Which positions of the rows hold something, where others are only filled up.

    Padding is one token (or vectors of zeros) that stands nowhere but in one run at the end of the
    rows, or nowhere but in one at their start, in runs of several lengths, some above 1.

    Args:
        rows: Whole numbers (N, positions) or real ones (N, positions, features).

    Returns:
        (N, positions), true where it is no padding; None without any.

    >>> unpadded(torch.tensor([[5, 7, 0, 0], [6, 8, 9, 0]])).sum(1).tolist()
    [2, 3]
    >>> unpadded(torch.tensor([[0, 1, 0, 1], [1, 1, 0, 0]])) is None
    True
    """
    if rows.dim() < 2 or rows.shape[1] < 2:
        return None
    for end in (-1, 0):
        filled = _filled(rows, end)
        lengths = filled.sum(1)
        ordered = filled.sort(dim=1, descending=end == 0).values
        if int(lengths.max()) > 1 and len(lengths.unique()) > 1 and filled.equal(ordered):
            return ~filled
    return None


def _filled(rows: Tensor, end: int) -> Tensor:
    """Positions that hold what most rows have at their end (or start)."""
    if rows.is_floating_point():
        return (rows == 0).reshape(*rows.shape[:2], -1).all(2)
    return rows == torch.mode(rows[:, end]).values
