"""A training part cut in two so that the second half tells what the first one teaches."""

from __future__ import annotations

from typing import Any, NamedTuple

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

from torchclinic.clinic.preflight.points import nearest_distance, points_of
from torchclinic.clinic.preflight.sampling import first_input
from torchclinic.core.recipe import Recipe
from torchclinic.data import batches
from torchclinic.data.augment.augmented import Augmented
from torchclinic.data.batches import in_memory
from torchclinic.data.structure import as_tensors, rows_of, take_rows, tensors_of
from torchclinic.training import split_batch

ASKED_ROWS = 2000  # of the second half and of the validation part
KNOWN_ROWS = 4000  # of the first half, among which twins are looked for
FEWEST_ROWS = 40
FEWEST_LEFT = 0.25  # of the second half, when twins are out
TWIN = 0.5  # of the validation rows' median distance to the first half


class Halves(NamedTuple):
    """The rows to learn from, of the source's own kind, and those to ask about, in memory."""

    first: Any
    second: Any


def halves_of(recipe: Recipe) -> Halves | None:
    """The first and the last rows of the training part (of each class).

    Rows that follow each other often belong together (windows of one record, frames of one film,
    later times), and stay in one half like that. Of the second half the rows are left out that
    lie far nearer to a row of the first than validation rows do: they would be known by heart.

    Returns:
        None where the part cannot be cut by row, its rows cannot be compared, or the second half
        has too few of its own.
    """
    cut = _cut(recipe.splits.train)
    if cut is None or recipe.splits.validation is None:
        return None
    first, rest = cut
    known = batches(first, batch_size=recipe.batch_size).sample(KNOWN_ROWS)
    second = batches(rest, batch_size=recipe.batch_size).sample(ASKED_ROWS)
    other = batches(recipe.splits.validation, batch_size=recipe.batch_size).sample(ASKED_ROWS)
    second = tuple(second) if isinstance(second, list) else second
    found = points_of(first_input(known), first_input(second), first_input(other))
    if found is None:
        return None
    mine, asked, theirs = found
    limit = TWIN * float(nearest_distance(mine, theirs).median())
    kept = (nearest_distance(mine, asked) > limit).nonzero().flatten()
    if len(kept) < max(FEWEST_ROWS, FEWEST_LEFT * len(asked)):
        return None
    return Halves(first, take_rows(second, kept))


def _cut(source: Any) -> tuple[Any, Any] | None:
    if isinstance(source, Augmented):
        cut = _cut(source.source)
        return None if cut is None else (Augmented(cut[0], source.transforms), cut[1])
    held = in_memory(source)
    if held is not None:
        data = as_tensors(held)
        rows = rows_of(data) or 0
        return tuple(take_rows(data, part) for part in _numbers(rows, _labels(data)))  # pyright: ignore[reportReturnType]
    if isinstance(source, DataLoader):
        return _cut_loader(source)
    if isinstance(source, Dataset) and not isinstance(source, IterableDataset):
        return _subsets(source)
    return None


def _cut_loader(loader: DataLoader[Any]) -> tuple[Any, Any] | None:
    plain = type(loader.batch_sampler) is BatchSampler
    known = type(loader.sampler) in (RandomSampler, SequentialSampler)
    if not plain or not known or isinstance(loader.dataset, IterableDataset):
        return None
    cut = _subsets(loader.dataset)
    if cut is None:
        return None
    shuffled = isinstance(loader.sampler, RandomSampler)
    parts = [
        DataLoader(part, loader.batch_size, shuffle=shuffled, collate_fn=loader.collate_fn)
        for part in cut
    ]
    return parts[0], parts[1]


def _subsets(dataset: Dataset[Any]) -> tuple[Any, Any] | None:
    rows = len(dataset)  # pyright: ignore[reportArgumentType]
    if isinstance(dataset, TensorDataset):
        labels = _labels(dataset.tensors)
    else:
        labels = _offered(getattr(dataset, "targets", None), rows)
    first, second = _numbers(rows, labels)
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


def _numbers(rows: int, labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """Row numbers of the first half of each class, and of the second."""
    if labels is None:
        labels = torch.zeros(rows)
    early = torch.zeros(rows, dtype=torch.bool)
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        early[members[: (len(members) + 1) // 2]] = True
    return early.nonzero().flatten(), (~early).nonzero().flatten()
