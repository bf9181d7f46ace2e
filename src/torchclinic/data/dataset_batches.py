"""Batches of a map-style Dataset: rows by index, collated as a DataLoader would."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch.utils.data import Dataset, default_collate

from torchclinic.core import DataError
from torchclinic.data.isolation import isolated
from torchclinic.data.order import SAMPLE_SEED, row_order, spread_rows


class DatasetBatches:
    """See `torchclinic.data.batches`.

    Rows are asked for anew in each epoch, so that random augmentation stays random; what it
    draws comes from the epoch's generator and not from the global ones.
    """

    def __init__(self, dataset: Dataset[Any], *, batch_size: int | None, shuffle: bool) -> None:
        self._dataset = dataset
        self._name = type(dataset).__name__
        self.rows = dataset_rows(dataset)
        self._size = self.rows if batch_size is None else min(batch_size, self.rows)
        self._shuffle = shuffle

    def __len__(self) -> int:
        return math.ceil(self.rows / self._size)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Any]:
        """One pass."""
        order = row_order(self.rows, shuffle=self._shuffle, generator=generator)
        own = generator if generator is not None else _fixed()
        return isolated(lambda: self._collated(order), own, self._name)

    def sample(self, rows: int) -> Any:
        """Rows spread over the data."""
        chosen = spread_rows(self.rows, rows).tolist()
        return next(isolated(lambda: [collate_rows(self._dataset, chosen)], _fixed(), self._name))

    def _collated(self, order: torch.Tensor) -> Iterator[Any]:
        for index in order.split(self._size):
            yield collate_rows(self._dataset, index.tolist())


def dataset_rows(dataset: Dataset[Any]) -> int:
    """Length of a Dataset.

    Raises:
        DataError: If it has none, or is empty.
    """
    try:
        rows = len(cast("Sequence[Any]", dataset))
    except (TypeError, NotImplementedError) as error:
        raise DataError(
            f"{type(dataset).__name__} has no length: {error}",
            hint="a map-style Dataset defines __len__; one that streams is an IterableDataset",
        ) from error
    if rows < 1:
        raise DataError(
            f"the data is empty: the {type(dataset).__name__} has {rows} rows",
            hint="look at what fills it: a path, a filter, a split",
        )
    return rows


def collate_rows(dataset: Dataset[Any], rows: list[int], collate: Any = default_collate) -> Any:
    """Rows of a Dataset as one batch.

    Raises:
        DataError: Where they do not fit together.
    """
    fetch_many = getattr(dataset, "__getitems__", None)
    items = fetch_many(rows) if fetch_many else [dataset[row] for row in rows]
    try:
        return collate(items)
    except (RuntimeError, TypeError) as error:
        raise DataError(
            f"rows {rows[:3]}... of {type(dataset).__name__} cannot be made into a batch: {error}",
            hint="rows need one shape; or give a DataLoader with a collate_fn",
        ) from error


def _fixed() -> torch.Generator:
    return torch.Generator().manual_seed(SAMPLE_SEED)
