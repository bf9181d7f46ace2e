"""Deal rows to parts in given shares, evenly over classes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from torchclinic.core import DataError

ROWS_A_CLASS = 2  # with fewer on average there is nothing to deal evenly


def check_fractions(fractions: Sequence[float]) -> tuple[float, ...]:
    """The shares as floats.

    Raises:
        DataError: Unless all are above 0 and their sum is 1.

    >>> check_fractions((0.5, 0.5))
    (0.5, 0.5)
    """
    shares = tuple(float(f) for f in fractions)
    if not shares or not all(f > 0 for f in shares) or not math.isclose(sum(shares), 1.0):
        raise DataError(f"fractions are {fractions!r}", hint="each above 0, together 1: (0.8, 0.2)")
    return shares


def parts_of(shares: tuple[float, ...]) -> Iterator[int]:
    """The part of position 0, 1, 2, ...: at any point each part has nearly its share.

    Each position goes to the part that lags furthest behind its share of the positions so far.

    >>> list(itertools.islice(parts_of((0.75, 0.25)), 8))
    [0, 0, 1, 0, 0, 0, 1, 0]
    """
    given = [0] * len(shares)
    for position in itertools.count(1):
        lag = [share * position - count for share, count in zip(shares, given, strict=True)]
        part = lag.index(max(lag))
        given[part] += 1
        yield part


def deal(
    rows: int, shares: tuple[float, ...], *, seed: int, labels: Tensor | None = None
) -> tuple[Tensor, ...]:
    """Row numbers of each part, rising, together all rows.

    Rows are shuffled, put in order of class where `labels` are given, and dealt by `parts_of`, so
    that each part gets its share of each class to within a row or two. Labels that hardly repeat
    are taken for numbers and not for classes.

    Raises:
        DataError: If a part would get no row.

    >>> [part.tolist() for part in deal(4, (0.5, 0.5), seed=1)]
    [[1, 2], [0, 3]]
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(rows, generator=generator)
    if labels is not None and len(labels.unique()) <= rows / ROWS_A_CLASS:
        order = order[torch.argsort(labels.cpu()[order], stable=True)]
    dealt = torch.tensor(list(itertools.islice(parts_of(shares), rows)), dtype=torch.long)
    parts = tuple(order[dealt == part].sort().values for part in range(len(shares)))
    if any(len(part) == 0 for part in parts):
        raise DataError(
            f"{rows} rows or batches cannot be split in shares {shares}: a part would be empty"
        )
    return parts
