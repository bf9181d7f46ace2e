"""The rows that the facts are read from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from torchclinic.core.recipe import Recipe
from torchclinic.data import batches
from torchclinic.data.order import spread_rows
from torchclinic.data.structure import rows_of, take_rows, tensors_of
from torchclinic.training import split_batch

SAMPLE_ROWS = 512
FEWEST_ROWS = 200
MOST_NUMBERS = 2**26


def sample_of(recipe: Recipe, part: Any, rows: int = SAMPLE_ROWS) -> Any:
    """Up to `rows` rows of a part of the data, spread over it, structured as a batch."""
    return batches(part, batch_size=recipe.batch_size).sample(rows)


def affordable_rows(sample: Any, rows: int) -> int:
    """As many rows like those of a sample as fit in 256 MB, at most `rows` and at least 200.

    >>> affordable_rows((torch.zeros(2, 3, 224, 224), torch.zeros(2)), 1500)
    445
    """
    first = first_input(sample)
    numbers = first[0].numel() if first is not None and first.dim() and len(first) else 1
    return min(rows, max(FEWEST_ROWS, MOST_NUMBERS // max(numbers, 1)))


def thinned(batch: Any, rows: int) -> Any:
    """Up to `rows` rows of a batch, spread over it.

    >>> thinned(torch.arange(3), 10).tolist()
    [0, 1, 2]
    """
    have = rows_of(batch)
    return batch if have is None or have <= rows else take_rows(batch, spread_rows(have, rows))


def repeated(batch: Any, rows: int) -> Any:
    """The rows of a batch over and over until there are `rows`.

    >>> repeated(torch.arange(2), 5).tolist()
    [0, 1, 0, 1, 0]
    """
    have = rows_of(batch)
    return batch if not have else take_rows(batch, torch.arange(rows) % have)


def first_input(batch: Any) -> Tensor | None:
    """The first tensor of a batch's inputs."""
    inputs, _ = split_batch(batch)
    return next(tensors_of(inputs), None)


def finite_rows(batch: Any) -> Any:
    """The rows without NaN and infinities; the batch itself when all are finite or none is."""
    rows = rows_of(batch)
    if rows is None:
        return batch
    good = torch.ones(rows, dtype=torch.bool)
    for tensor in tensors_of(batch):
        if tensor.dim() and tensor.is_floating_point() and len(tensor) == rows:
            good &= tensor.detach().cpu().reshape(rows, -1).isfinite().all(1)
    if bool(good.all()) or not bool(good.any()):
        return batch
    return take_rows(batch, good.nonzero().flatten())


def nonfinite_in(part: Any) -> tuple[int, int]:
    """NaN and infinite elements in all inputs and in all targets of data that is in memory.

    Of other data nothing is known: (0, 0).

    >>> nonfinite_in((torch.tensor([[1.0], [float("nan")]]), torch.zeros(2)))
    (1, 0)
    """
    held = part.tensors if isinstance(part, TensorDataset) else part
    if not isinstance(held, tuple | dict | Tensor):
        return 0, 0
    inputs, targets = split_batch(held)
    return _nonfinite(inputs), _nonfinite(targets)


def _nonfinite(value: Any) -> int:
    real = (t for t in tensors_of(value) if t.is_floating_point())
    return sum(t.numel() - int(t.isfinite().sum()) for t in real)


def halves(batch: Any) -> tuple[Any, Any]:
    """Every second row, and the others."""
    rows = rows_of(batch)
    if rows is None or rows < 2:
        return batch, batch
    return take_rows(batch, torch.arange(0, rows, 2)), take_rows(batch, torch.arange(1, rows, 2))
