"""In which order rows are visited, and which rows make a sample."""

from __future__ import annotations

import torch
from torch import Tensor

SAMPLE_SEED = 20_240_229  # fixed: the sample of a data set is a fact about the data


def row_order(rows: int, *, shuffle: bool, generator: torch.Generator | None) -> Tensor:
    """Row numbers of one epoch: a permutation drawn from `generator`, or 0, 1, 2, ...

    >>> row_order(3, shuffle=False, generator=None).tolist()
    [0, 1, 2]
    """
    if shuffle and generator is not None:
        return torch.randperm(rows, generator=generator, device=generator.device)
    return torch.arange(rows)


def spread_rows(rows: int, wanted: int) -> Tensor:
    """Up to `wanted` increasing row numbers, one drawn from each of as many equal stretches.

    Even spacing alone would fall into step with labels that repeat (0, 1, 2, 0, 1, 2, ...).

    >>> spread_rows(3, 10).tolist()
    [0, 1, 2]
    >>> picked = spread_rows(1000, 10)
    >>> [int(row) // 100 for row in picked]
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    if wanted >= rows:
        return torch.arange(rows)
    edges = torch.arange(wanted + 1, dtype=torch.int64) * rows // wanted
    generator = torch.Generator().manual_seed(SAMPLE_SEED)
    place = torch.rand(wanted, generator=generator, dtype=torch.float64)
    return edges[:-1] + (place * (edges[1:] - edges[:-1])).long()
