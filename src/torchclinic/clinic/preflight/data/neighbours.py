"""Rows as points, and which rows lie near each other."""

from __future__ import annotations

import torch
from torch import Tensor

NEIGHBOURS = 5
MOST_COLUMNS = 1024  # of a row; of longer ones every so-many-th number stands for the rest
FURTHEST = 6.0  # standard deviations: one odd number does not drown all others


def columns_of(inputs: Tensor, most: int = MOST_COLUMNS) -> Tensor:
    """Rows of numbers, those of long rows thinned evenly to at most `most`.

    **Shape**: (N, ...) to (N, columns).

    >>> columns_of(torch.arange(12.0).reshape(2, 2, 3), most=3).tolist()
    [[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]
    """
    flat = inputs.detach().cpu().reshape(len(inputs), -1)
    count = flat.shape[1]
    if count > most:
        flat = flat[:, torch.arange(most) * count // most]
    return flat.float()


def standardised(rows: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Columns of unit variance, and other rows by the same mean and deviation.

    Columns that do not vary are left out.
    """
    precise = rows.double()
    spread, mean = precise.std(0), precise.mean(0)
    varies = spread > 1e-12 * (1 + precise.abs().amax(0))
    scaled = ((precise - mean) / spread)[:, varies].float()
    if others is None:
        return scaled, None
    return scaled, ((others.double() - mean) / spread)[:, varies].float()


def nearest(rows: Tensor, points: Tensor | None = None) -> Tensor:
    """For each point its 5 nearest rows; for each row its nearest others without points.

    **Shape**: (N, columns) and (M, columns) to (M, 5) row numbers, the nearest first.
    """
    near = rows.clamp(-FURTHEST, FURTHEST)
    if points is not None:
        distances = torch.cdist(points.clamp(-FURTHEST, FURTHEST), near)
    else:
        distances = torch.cdist(near, near)
        distances.fill_diagonal_(float("inf"))
    return distances.topk(NEIGHBOURS, largest=False).indices


def majority(classes: Tensor) -> Tensor:
    """The commonest class of each row of neighbours; of equally common ones the nearest.

    **Shape**: (M, 5) to (M,).

    >>> majority(torch.tensor([[3, 1, 1, 3, 2]])).tolist()
    [3]
    """
    equal = (classes[:, :, None] == classes[:, None, :]).sum(2).double()
    place = torch.arange(classes.shape[1]) * 1e-3
    return classes.gather(1, (equal - place).argmax(1, keepdim=True)).squeeze(1)
