"""Keeps the readings of all layers in bounded memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from torchclinic.watch.columns import Row

_CHUNK = 64  # rows that wait until their numbers are fetched together


class Store:
    """At most `limit` readings: when full, every second goes and only every second comes.

    The first and the newest reading are always there.

    Args:
        limit: Most readings; at least 4.

    >>> store = Store(limit=4)
    >>> for step in range(1, 11):
    ...     store.add(Row(step))
    >>> [row.step for row in store.rows()]
    [1, 9, 10]
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit - limit % 2 - 1  # odd, so that dropping keeps the newest
        self._rows: list[Row] = []
        self._fetched = 0
        self._newest: Row | None = None
        self._stride = 1
        self._last_step = 0
        self.count = 0
        self.gap = 0

    @property
    def thinned(self) -> bool:
        """Whether readings had to go."""
        return self._stride > 1

    def add(self, row: Row) -> None:
        """Add the reading of a step; its parts may still be to come."""
        self.gap, self._last_step = row.step - self._last_step, row.step
        keep = self.count % self._stride == 0
        self.count += 1
        if not keep:
            self._newest = row
            return
        self._newest = None
        self._rows.append(row)
        if len(self._rows) >= self._limit:
            self._rows = self._rows[::2]
            self._fetched = (self._fetched + 1) // 2
            self._stride *= 2

    def fetch(self) -> None:
        """Turn numbers into arrays once there are many; all parts must be there."""
        if len(self._rows) - self._fetched >= _CHUNK:
            _fetch(self._rows[self._fetched :])
            self._fetched = len(self._rows)

    def rows(self) -> list[Row]:
        """All readings so far; all parts must be there."""
        _fetch(self._rows[self._fetched :])
        self._fetched = len(self._rows)
        newest = [] if self._newest is None else [self._newest]
        _fetch(newest)
        return [*self._rows, *newest]


def _fetch(rows: list[Row]) -> None:
    """Make arrays of all parts, with one copy for all that wait on a device."""
    tensors = [v.reshape(-1) for row in rows for v in row.values if isinstance(v, Tensor)]
    flat = np.empty(0, np.float32)
    if tensors:
        flat = torch.cat([t.to(tensors[0].device).float() for t in tensors]).cpu().numpy()
    start = 0
    for row in rows:
        for place, values in enumerate(row.values):
            if isinstance(values, Tensor):
                row.values[place] = flat[start : start + values.numel()].copy()
                start += values.numel()
            else:
                row.values[place] = np.array(values, dtype=np.float32)
