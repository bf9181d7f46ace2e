"""Do rows with similar inputs have similar targets?"""

from __future__ import annotations

import torch
from torch import Tensor

ROWS = 1500  # a matrix of distances between so many is a matter of milliseconds
FEWEST_ROWS = 100
NEIGHBOURS = 5
SHUFFLES = 50


def likeness(inputs: Tensor, targets: Tensor) -> tuple[float, float, float] | None:
    r"""Likeness of the targets of neighbours, its value by chance, and the distance in deviations.

    For classes the share of equal labels among the 5 nearest neighbours,
    $a = \frac{1}{5N} \sum_i \sum_{j \in N(i)} [y_i = y_j]$; for numbers the correlation of
    $y_i$ with the mean over $N(i)$. Chance is the same with the targets shuffled, 50 times.
    Distances are Euclidean, over features of unit variance.

    **Shape**: inputs (N, ...), targets (N,) or (N, 1).

    Returns:
        None with fewer than 100 rows, targets that are all the same, or inputs that do not vary.

    Source: Cover and Hart 1967, "Nearest neighbor pattern classification"; the permutation test
    of Friedman and Rafsky 1979 for graphs of neighbours.

    >>> generator = torch.Generator().manual_seed(0)
    >>> x = torch.randn(200, 2, generator=generator)
    >>> found = likeness(x, (x[:, 0] > 0).long())
    >>> round(found[0], 2), round(found[1], 1), found[2] > 10
    (0.95, 0.5, True)
    """
    features = _standardised(inputs)
    labels = targets.reshape(-1)
    rows = len(features)
    if rows < FEWEST_ROWS or len(labels) != rows or features.shape[1] == 0:
        return None
    if bool((labels == labels[0]).all()):
        return None
    near = _neighbours(features)
    generator = torch.Generator().manual_seed(0)
    shuffled = [
        _agreement(labels[torch.randperm(rows, generator=generator)], near) for _ in range(SHUFFLES)
    ]
    chance = torch.tensor(shuffled, dtype=torch.float64)
    spread = float(chance.std())
    found, expected = _agreement(labels, near), float(chance.mean())
    return (found, expected, (found - expected) / spread) if spread > 0 else None


def _standardised(inputs: Tensor) -> Tensor:
    """Rows of features of unit variance; those that do not vary are left out."""
    flat = inputs.detach().cpu().double().reshape(len(inputs), -1)
    spread = flat.std(0)
    varies = spread > 1e-12 * (1 + flat.abs().amax(0))
    return ((flat - flat.mean(0)) / spread)[:, varies].float()


def _neighbours(features: Tensor) -> Tensor:
    distances = torch.cdist(features, features)
    distances.fill_diagonal_(float("inf"))
    return distances.topk(NEIGHBOURS, largest=False).indices


def _agreement(labels: Tensor, near: Tensor) -> float:
    if not labels.is_floating_point():
        return float((labels[near] == labels[:, None]).double().mean())
    values = labels.double()
    means = values[near].mean(1)
    joint = torch.corrcoef(torch.stack((values, means)))[0, 1]
    return float(joint) if joint == joint else 0.0  # noqa: PLR0124 - NaN where means do not vary
