"""Batches of tensors in memory: no copy where rows are in order, one gather where they are not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from torchclinic.core import DataError
from torchclinic.data.order import row_order, spread_rows
from torchclinic.data.structure import as_tensors, map_tensors, take_rows, tensors_of

IN_PLACE = DataError(
    "the training changed its inputs in place",
    hint="copy them first: x = x.clone(), or inplace=False in the first layer",
)


class TensorBatches:
    """See `torchclinic.data.batches`.

    Batches in order are views of the data, at no cost; shuffled ones are gathered with one
    `index_select` a tensor, which is as fast as a hand-written loop can be.
    """

    def __init__(self, source: Any, *, batch_size: int | None, shuffle: bool) -> None:
        self._data = as_tensors(source)
        self._leaves = tuple(tensors_of(self._data))
        self.rows = _common_rows(self._leaves)
        self._size = self.rows if batch_size is None else min(batch_size, self.rows)
        self._shuffle = shuffle and self._size < self.rows

    def __len__(self) -> int:
        return math.ceil(self.rows / self._size)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Any]:
        """One pass."""
        return self._gathered(generator) if self._shuffle and generator else self._views()

    def sample(self, rows: int) -> Any:
        """Rows spread over the data, as copies."""
        return take_rows(self._data, spread_rows(self.rows, rows))

    def _views(self) -> Iterator[Any]:
        versions = self._versions()
        for start in range(0, self.rows, self._size):
            stop = start + self._size
            yield map_tensors(lambda t, a=start, b=stop: t[a:b], self._data)
            if self._versions() != versions:
                raise IN_PLACE

    def _gathered(self, generator: torch.Generator) -> Iterator[Any]:
        order = row_order(self.rows, shuffle=True, generator=generator).to(self._leaves[0].device)
        pair = _plain_pair(self._data)
        for index in order.split(self._size):
            if pair:
                yield pair[0].index_select(0, index), pair[1].index_select(0, index)
            else:
                yield take_rows(self._data, index)

    def _versions(self) -> list[int]:
        return [leaf._version for leaf in self._leaves]


def _plain_pair(data: Any) -> tuple[Tensor, Tensor] | None:
    """The commonest structure, (inputs, targets) on one device, which needs no walk."""
    if type(data) is tuple and len(data) == 2 and all(isinstance(t, Tensor) for t in data):
        first, second = data
        return (first, second) if first.device == second.device else None
    return None


def _common_rows(leaves: tuple[Tensor, ...]) -> int:
    if not leaves:
        raise DataError("the data holds no tensor", hint="give (inputs, targets)")
    if any(leaf.dim() == 0 for leaf in leaves):
        raise DataError("the data holds a tensor without dimensions", hint="rows come first")
    counts = [leaf.shape[0] for leaf in leaves]
    if len(set(counts)) > 1:
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in leaves)
        raise DataError(
            f"the tensors disagree in their number of rows: {counts} (shapes {shapes})",
            hint="the first dimension counts rows and is the same for all",
        )
    if counts[0] == 0:
        raise DataError(
            "the data is empty: it has 0 rows",
            hint="look at what fills it: a path, a filter, a split",
        )
    return counts[0]
