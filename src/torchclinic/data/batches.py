"""One face for every kind of data: tensors, Dataset, DataLoader, any iterable of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from torchclinic.core import DataError
from torchclinic.data.augment.augmented import Augmented, AugmentedBatches
from torchclinic.data.dataset_batches import DatasetBatches
from torchclinic.data.loader_batches import LoaderBatches
from torchclinic.data.stream_batches import StreamBatches, replayable
from torchclinic.data.structure import take_rows
from torchclinic.data.tensor_batches import TensorBatches


@runtime_checkable
class Batches(Protocol):
    """Data that can be passed over again and again.

    `len()` is the number of batches in an epoch; TypeError where it is unknown.
    """

    @property
    def rows(self) -> int | None:
        """Rows in the data, None where it does not say."""
        ...

    def __len__(self) -> int: ...

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Any]:
        """One pass; the order depends on `generator` and on nothing else."""
        ...

    def sample(self, rows: int) -> Any:
        """Up to `rows` rows spread over the data, always the same, structured as a batch."""
        ...


def batches(source: Any, *, batch_size: int | None = 32, shuffle: bool = False) -> Batches:
    """Batches of `source`.

    A tuple or dict (nested as you like) of tensors or arrays with one leading dimension stays in
    memory and is batched by index; so is a TensorDataset, and a Subset of one. A Dataset is
    indexed row by row and collated. A DataLoader keeps its own batch size, sampler, collation and
    workers. Batches of `augmented` data pass through its transforms. Anything else that iterates
    yields batches as they are; a one-shot generator is read into memory once.

    Args:
        source: The data.
        batch_size: Rows a batch; None for one batch with all rows. Ignored by sources that
            deliver batches themselves.
        shuffle: Whether rows come in a new order each epoch. Ignored by sources that deliver
            batches themselves.

    Raises:
        DataError: If it is empty, does not iterate, or its tensors disagree in their rows.

    >>> data = batches((torch.zeros(10, 3), torch.zeros(10)), batch_size=4)
    >>> data.rows, len(data), [len(y) for _, y in data.epoch()]
    (10, 3, [4, 4, 2])
    """
    _check_batch_size(batch_size)
    if isinstance(source, Augmented):
        plain = batches(source.source, batch_size=batch_size, shuffle=shuffle)
        return AugmentedBatches(plain, source.transforms)
    if (tensors := in_memory(source)) is not None:
        return TensorBatches(tensors, batch_size=batch_size, shuffle=shuffle)
    if isinstance(source, DataLoader):
        return LoaderBatches(source)
    if isinstance(source, IterableDataset):
        return LoaderBatches(DataLoader(source, batch_size=batch_size))
    if isinstance(source, Dataset):
        return DatasetBatches(source, batch_size=batch_size, shuffle=shuffle)
    if isinstance(source, Iterable) and not isinstance(source, str | bytes):
        return StreamBatches(replayable(source))
    raise DataError(
        f"{source!r:.80} of type {type(source).__name__} is no data",
        hint="give (inputs, targets) tensors, a Dataset, a DataLoader or an iterable of batches",
    )


def in_memory(source: Any) -> Any | None:
    """The tensors of a source that lies in memory, else None.

    >>> in_memory(TensorDataset(torch.zeros(3)))[0].shape
    torch.Size([3])
    """
    if isinstance(source, Tensor | np.ndarray | Mapping | tuple):
        return source
    if type(source) is TensorDataset:
        return source.tensors
    if type(source) is Subset and type(source.dataset) is TensorDataset:
        return take_rows(source.dataset.tensors, torch.as_tensor(source.indices, dtype=torch.long))
    return None


def count_rows(source: Any) -> int | None:
    """Rows of a source, None where it does not say.

    >>> count_rows((torch.zeros(7, 2), torch.zeros(7)))
    7
    """
    return batches(source).rows


def _check_batch_size(batch_size: int | None) -> None:
    whole = isinstance(batch_size, int) and not isinstance(batch_size, bool)
    if batch_size is not None and not (whole and batch_size >= 1):
        raise DataError(f"batch_size is {batch_size!r}", hint="a whole number of at least 1")
