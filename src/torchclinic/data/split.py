"""Set rows aside: every kind of source is split into sources of its own kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from torchclinic.core import DataError
from torchclinic.data.augment.augmented import Augmented
from torchclinic.data.batches import batches, in_memory
from torchclinic.data.dataset_batches import dataset_rows
from torchclinic.data.partition import check_fractions, deal, parts_of
from torchclinic.data.stream_batches import replayable
from torchclinic.data.structure import as_tensors, take_rows, tensors_of

TARGET_KEYS = ("labels", "label", "targets", "target", "y")


def split(source: Any, fractions: Sequence[float], *, seed: int = 0) -> tuple[Any, ...]:
    """Parts of a source, each of the source's own kind.

    Tensors, Datasets and DataLoaders are split by row, at random and, where the target is a class
    number, with the classes in equal shares. An IterableDataset is split by the position of its
    rows and other iterables by the position of their batches; one that shuffles by itself
    therefore mixes its parts, and does better with a Splits. Of `augmented` data only the first
    part is augmented.

    Args:
        source: Anything that `batches` takes.
        fractions: Share of each part, together 1.
        seed: Decides which row goes where.

    Returns:
        As many sources as there are fractions.

    Raises:
        DataError: If a part would be empty, or the source cannot be split.

    >>> x, y = torch.arange(10.0).reshape(10, 1), torch.arange(10) % 2
    >>> train, held_out = split((x, y), (0.8, 0.2))
    >>> len(train[1]), sorted(held_out[1].tolist())
    (8, [0, 1])
    """
    shares = check_fractions(fractions)
    if isinstance(source, Augmented):
        first, *others = split(source.source, fractions, seed=seed)
        return Augmented(first, source.transforms), *others
    tensors = in_memory(source)
    if tensors is not None:
        data = as_tensors(tensors)
        rows = batches(data).rows or 0
        parts = deal(rows, shares, seed=seed, labels=_labels_of(data))
        taken = tuple(take_rows(data, part) for part in parts)
        return _as_datasets(taken) if isinstance(source, Dataset) else taken
    if isinstance(source, DataLoader) and not isinstance(source.dataset, IterableDataset):
        return _split_loader(source, shares, seed)
    if isinstance(source, IterableDataset):
        return tuple(RowPart(source, shares, part) for part in range(len(shares)))
    if isinstance(source, Dataset):
        rows = dataset_rows(source)
        parts = deal(rows, shares, seed=seed, labels=_labels_of_dataset(source))
        return tuple(Subset(source, part.tolist()) for part in parts)
    return _split_batches(source, shares, seed)


class BatchPart:
    """Some of the batches of an iterable, chosen by their position."""

    def __init__(self, source: Iterable[Any], shares: tuple[float, ...], part: int) -> None:
        self._source, self._shares, self._part = source, shares, part

    def __iter__(self) -> Iterator[Any]:
        for batch, part in zip(self._source, parts_of(self._shares), strict=False):
            if part == self._part:
                yield batch


class RowPart(IterableDataset[Any]):
    """Some of the rows of an IterableDataset, chosen by their position."""

    def __init__(self, source: Iterable[Any], shares: tuple[float, ...], part: int) -> None:
        self._rows = BatchPart(source, shares, part)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)


class SizedBatchPart(BatchPart):
    """The same of an iterable that knows how many batches it has."""

    def __len__(self) -> int:
        total = len(self._source)  # pyright: ignore[reportArgumentType]
        numbered = zip(range(total), parts_of(self._shares), strict=False)
        return sum(part == self._part for _, part in numbered)


def _split_batches(source: Any, shares: tuple[float, ...], seed: int) -> tuple[Any, ...]:
    batches(source)  # raises what is to be said of a source that is none
    found = replayable(source)
    if isinstance(found, list):
        parts = deal(len(found), shares, seed=seed)
        return tuple([found[int(i)] for i in part] for part in parts)
    kind = SizedBatchPart if isinstance(found, Sized) else BatchPart
    return tuple(kind(found, shares, part) for part in range(len(shares)))


def _split_loader(loader: DataLoader[Any], shares: tuple[float, ...], seed: int) -> tuple[Any, ...]:
    if type(loader.batch_sampler) is not BatchSampler:
        raise _not_splittable(loader, loader.batch_sampler)
    sampler = loader.sampler
    known = (RandomSampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler)
    if type(sampler) not in known:
        raise _not_splittable(loader, sampler)
    rows = torch.arange(dataset_rows(loader.dataset))
    if isinstance(sampler, SubsetRandomSampler):
        rows = torch.as_tensor(sorted(sampler.indices))
    labels = _labels_of_dataset(loader.dataset)
    labels = None if labels is None else labels[rows]
    parts = deal(len(rows), shares, seed=seed, labels=labels)
    return tuple(_part_loader(loader, rows[part]) for part in parts)


def _part_loader(loader: DataLoader[Any], rows: Tensor) -> DataLoader[Any]:
    sampler = loader.sampler
    own = None
    if isinstance(sampler, WeightedRandomSampler):
        count = max(1, round(sampler.num_samples * len(rows) / len(sampler.weights)))
        weights = sampler.weights[rows].tolist()
        own = WeightedRandomSampler(weights, count, sampler.replacement)
    return DataLoader(
        Subset(loader.dataset, rows.tolist()),
        batch_size=loader.batch_size,
        shuffle=None if own else not isinstance(sampler, SequentialSampler),
        sampler=own,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        drop_last=loader.drop_last,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
    )


def _not_splittable(loader: DataLoader[Any], sampler: Any) -> DataError:
    return DataError(
        f"a {type(loader).__name__} with a {type(sampler).__name__} cannot be split by row",
        hint="say which rows are held out: data=Splits(train=..., validation=..., test=...)",
    )


def _as_datasets(parts: tuple[Any, ...]) -> tuple[TensorDataset, ...]:
    return tuple(TensorDataset(*part) for part in parts)


def _labels_of(data: Any) -> Tensor | None:
    if isinstance(data, Mapping):
        named = [data[key] for key in TARGET_KEYS if key in data]
        return _if_labels(named[0]) if named else None
    if isinstance(data, tuple) and len(data) > 1:
        return _if_labels(next(tensors_of(data[-1]), None))
    return None


def _labels_of_dataset(dataset: Dataset[Any]) -> Tensor | None:
    """Labels that a Dataset offers without reading its rows, as torchvision's do."""
    if type(dataset) is TensorDataset:
        return _labels_of(dataset.tensors)
    found = getattr(dataset, "targets", None)
    if not isinstance(found, Tensor | np.ndarray | list) or len(found) != dataset_rows(dataset):
        return None
    try:
        return _if_labels(torch.as_tensor(found))
    except (TypeError, ValueError, RuntimeError):
        return None


def _if_labels(target: Any) -> Tensor | None:
    whole = isinstance(target, Tensor) and not target.is_floating_point()
    return target if whole and target.dim() == 1 and not target.is_complex() else None
