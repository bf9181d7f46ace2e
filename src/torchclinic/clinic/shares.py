"""How much of the training data may be set aside without changing what its batches look like."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from torchclinic.core.recipe import Recipe
from torchclinic.data import count_rows
from torchclinic.data.partition import parts_of

MOST_MOVED = 0.1  # of the rows, for the sake of the last batch


def shares_for(recipe: Recipe, shares: tuple[float, ...]) -> tuple[float, ...]:
    """Shares of the training part and of those that are set aside from it.

    The training part gets what is left, less up to a batch, so that its last batch has as many
    rows as that of all rows: batch normalisation fails on one row, and must do so with a part of
    the rows just where it does with all. Where too many rows would have to be moved for that, the
    last batch only is of one row where it was.

    Args:
        recipe: Has the training data and the batch size.
        shares: Of the parts that are set aside.

    Returns:
        Shares that make 1, the training part first.

    >>> import torch
    >>> from torch import nn
    >>> rows = torch.zeros(133, 2), torch.zeros(133)
    >>> parts = {"model": nn.Identity, "data": rows, "loss": nn.MSELoss(), "optimizer": list}
    >>> recipe = Recipe(**parts, epochs=1, batch_size=16)
    >>> [round(133 * share) for share in shares_for(recipe, (0.15,))]
    [101, 32]
    """
    usual = (1.0 - sum(shares), *shares)
    rows, size = count_rows(recipe.splits.train), _batch_size(recipe)
    if rows is None or size is None or size < 2:
        return usual
    left = _dealt(rows, usual)
    most = min(size - 1, int(MOST_MOVED * rows), left - 1)
    tried = [(moved, left - moved) for moved in range(most + 1)]
    fitting = [train for _, train in tried if train % size == rows % size]
    fitting += [train for _, train in tried if (train % size == 1) == (rows % size == 1)]
    for train in fitting:
        for candidate in _candidates(rows, train, shares):
            if _dealt(rows, candidate) == train:
                return candidate
    return usual


def _batch_size(recipe: Recipe) -> int | None:
    """Rows a batch; None where all batches are full or one."""
    train: Any = recipe.splits.train
    if isinstance(train, DataLoader):
        return None if train.drop_last else train.batch_size
    return recipe.batch_size


def _candidates(rows: int, train: int, shares: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
    """Shares near `train` of `rows`: with several parts a dealing may miss it by one."""
    for wanted in (train, train - 0.5, train + 0.5):
        rest = (rows - wanted) / rows / sum(shares)
        yield wanted / rows, *(rest * share for share in shares)


def _dealt(rows: int, shares: tuple[float, ...]) -> int:
    """Rows that the first part is dealt."""
    return sum(part == 0 for part in itertools.islice(parts_of(shares), rows))
