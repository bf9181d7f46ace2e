"""A part of the data cut in two, row by row."""

from __future__ import annotations

from typing import Any

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
    TensorDataset,
)

from torchclinic.data.augment.augmented import Augmented
from torchclinic.data.batches import in_memory
from torchclinic.data.structure import as_tensors, rows_of, take_rows, tensors_of
from torchclinic.training import split_batch


def cut(source: Any, *, in_turn: bool = False) -> tuple[Any, Any] | None:
    """Two halves of a part, as sources of the same kind.

    Args:
        source: Of a Recipe's data.
        in_turn: Rows go to either half in turn, instead of the first ones (of each class) to the
            first and the last ones to the second.

    Returns:
        None where it is no table of rows: a stream, or a loader with a sampler of its own.

    >>> [half[0].tolist() for half in cut((torch.arange(5.0), torch.arange(5.0)), in_turn=True)]
    [[0.0, 2.0, 4.0], [1.0, 3.0]]
    """
    if isinstance(source, Augmented):
        inner = cut(source.source, in_turn=in_turn)
        return None if inner is None else (Augmented(inner[0], source.transforms), inner[1])
    held = in_memory(source)
    if held is not None:
        data = as_tensors(held)
        rows = rows_of(data) or 0
        return tuple(take_rows(data, part) for part in _numbers(rows, _labels(data), in_turn))  # pyright: ignore[reportReturnType]
    if isinstance(source, DataLoader):
        return _cut_loader(source, in_turn)
    if isinstance(source, Dataset) and not isinstance(source, IterableDataset):
        return _subsets(source, in_turn)
    return None


def _cut_loader(loader: DataLoader[Any], in_turn: bool) -> tuple[Any, Any] | None:
    plain = type(loader.batch_sampler) is BatchSampler
    known = type(loader.sampler) in (RandomSampler, SequentialSampler)
    if not plain or not known or isinstance(loader.dataset, IterableDataset):
        return None
    shuffled = isinstance(loader.sampler, RandomSampler)
    parts = [
        DataLoader(part, loader.batch_size, shuffle=shuffled, collate_fn=loader.collate_fn)
        for part in _subsets(loader.dataset, in_turn)
    ]
    return parts[0], parts[1]


def _subsets(dataset: Dataset[Any], in_turn: bool) -> tuple[Any, Any]:
    rows = len(dataset)  # pyright: ignore[reportArgumentType]
    if isinstance(dataset, TensorDataset):
        labels = _labels(dataset.tensors)
    else:
        labels = _offered(getattr(dataset, "targets", None), rows)
    first, second = _numbers(rows, labels, in_turn)
    return Subset(dataset, first.tolist()), Subset(dataset, second.tolist())


def _labels(data: Any) -> Tensor | None:
    return _offered(next(tensors_of(split_batch(data)[1]), None), rows_of(data) or 0)


def _offered(targets: Any, rows: int) -> Tensor | None:
    """One class a row; None for other targets."""
    try:
        found = torch.as_tensor(targets).reshape(-1)
    except (TypeError, ValueError, RuntimeError):
        return None
    if len(found) != rows or found.is_complex() or bool((found != found.round()).any()):
        return None
    return found if 2 * len(found.unique()) <= rows else None


def _numbers(rows: int, labels: Tensor | None, in_turn: bool) -> tuple[Tensor, Tensor]:
    """Row numbers of one half of each class, and of the other."""
    if labels is None:
        labels = torch.zeros(rows)
    first = torch.zeros(rows, dtype=torch.bool)
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        first[members[::2] if in_turn else members[: (len(members) + 1) // 2]] = True
    return first.nonzero().flatten(), (~first).nonzero().flatten()
