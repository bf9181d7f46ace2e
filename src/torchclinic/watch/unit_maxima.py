"""The largest output of each unit over at least 512 samples, gathered over several read steps."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.functional.activation import silences
from torchclinic.watch.target import Target
from torchclinic.watch.thin import last_rows, widen

# Samples that a unit must be silent on before it counts as silent. A live unit that fires on 1 % of
# the samples is silent on all of 512 with probability 0.006. The rulebook's number for F4 and P16.
SILENCE_ROWS = 512


def needs_maxima(target: Target) -> bool:
    """Whether the activation that follows the layer directly can silence units."""
    return silences(target.activation) and not target.normalised


def largest_by_unit(tensor: Tensor, unit_dim: int) -> tuple[Tensor, int]:
    """Largest element of each unit over the last rows and all positions, and how many rows.

    Shape: (rows, ..., units, ...) -> (units,).

    >>> largest_by_unit(torch.tensor([[1.0, -1.0], [0.0, -3.0]]), -1)
    (tensor([ 1., -1.]), 2)
    """
    dim = unit_dim % tensor.ndim
    if dim == 0:
        return widen(tensor), 1
    rows = last_rows(tensor.shape[0], tensor.numel())
    others = tuple(d for d in range(tensor.ndim) if d != dim)
    return widen(tensor[-rows:].amax(others)), rows


class RowWindow:
    """A sliding window over rows: the newest readings that together have enough of them.

    Args:
        rows: Rows that the window must span.

    >>> window = RowWindow(rows=4)
    >>> window.add(torch.tensor([[1.0], [0.0], [-2.0]]), 2)
    (1, tensor([[1.],
            [0.]]), 4)
    """

    def __init__(self, rows: int = SILENCE_ROWS) -> None:
        self._needed = rows
        self._maxima: Tensor | None = None
        self._rows: list[int] = []

    def add(self, maxima: Tensor, rows: int) -> tuple[int, Tensor, int]:
        """Add readings of `rows` rows each, shape (readings, ...).

        Returns:
            How many of the new readings come too early, with too few rows before and in them; for
            each of the others the maxima over the window that ends with it, shape (others, ...);
            and the rows that each window has at least.
        """
        held = maxima if self._maxima is None else torch.cat((self._maxima, maxima))
        self._rows += [rows] * len(maxima)
        if self._rows.count(rows) == len(self._rows):
            early, windows = self._alike(held, len(maxima), -(-self._needed // rows))
        else:
            early, windows = self._varied(held, len(maxima))
        keep = len(self._rows) - (_start(self._rows, self._needed) or 0)
        self._rows, self._maxima = self._rows[-keep:], held[-keep:].clone()
        return early, windows, self._needed

    def _alike(self, held: Tensor, new: int, readings: int) -> tuple[int, Tensor]:
        """All windows in one operation: each takes the same number of readings."""
        found = min(len(held) - readings + 1, new)
        if found < 1:
            return new, held[:0]
        return new - found, held[1 - found - readings :].unfold(0, readings, 1).amax(-1)

    def _varied(self, held: Tensor, new: int) -> tuple[int, Tensor]:
        """Window by window: the last batch of an epoch may be smaller."""
        windows: list[Tensor] = []
        for end in range(len(held) - new + 1, len(held) + 1):
            start = _start(self._rows[:end], self._needed)
            if start is not None:
                windows.append(held[start:end].amax(0))
        return new - len(windows), torch.stack(windows) if windows else held[:0]


def _start(rows: list[int], needed: int) -> int | None:
    """Where the shortest tail with enough rows begins; None if all together are too few."""
    spanned = 0
    for start in range(len(rows) - 1, -1, -1):
        spanned += rows[start]
        if spanned >= needed:
            return start
    return None
