"""Do rows with similar inputs have similar targets?"""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.clinic.preflight.data.neighbours import columns_of, nearest, standardised

ROWS = 1500  # a matrix of distances between so many is a matter of milliseconds
FEWEST_ROWS = 100
SHUFFLES = 50
RENUMBERINGS = 400
MOST_WHOLE = 50  # different whole numbers that may be names of classes


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
    near, labels = neighbours_of(inputs), targets.reshape(-1)
    if near is None or len(labels) != len(near) or bool((labels == labels[0]).all()):
        return None
    return likeness_of(near, labels)


def neighbours_of(inputs: Tensor) -> Tensor | None:
    """Row numbers of each row's 5 nearest others; None with fewer than 100 rows."""
    if len(inputs) < FEWEST_ROWS:
        return None
    rows, _ = standardised(columns_of(inputs))
    return nearest(rows) if rows.shape[1] else None


def likeness_of(near: Tensor, labels: Tensor) -> tuple[float, float, float] | None:
    """As `likeness`, of known neighbours, shape (N, 5)."""
    rows = len(labels)
    generator = torch.Generator().manual_seed(0)
    shuffled = [
        _agreement(labels[torch.randperm(rows, generator=generator)], near) for _ in range(SHUFFLES)
    ]
    chance = torch.tensor(shuffled, dtype=torch.float64)
    spread = float(chance.std())
    found, expected = _agreement(labels, near), float(chance.mean())
    return (found, expected, (found - expected) / spread) if spread > 0 else None


def whole_numbers(targets: Tensor) -> int | None:
    """How many different whole numbers the targets are; None where not all are, or over 50.

    >>> whole_numbers(torch.tensor([0.0, 1.0, 3.0, 1.0])), whole_numbers(torch.tensor([0.5, 1.0]))
    (3, None)
    """
    if bool((targets != targets.round()).any()):
        return None
    count = targets.unique().numel()
    return count if count <= MOST_WHOLE else None


def order_chance(near: Tensor, targets: Tensor) -> tuple[float, int] | None:
    r"""Are the numbers an order, or only names?

    Over pairs of neighbours with unequal targets the mean of $|k_i - k_j|$, with k the place of
    the target among the different values in order. Where the numbers mean an order, neighbours
    have adjacent ones; where they are names, another numbering of the classes is as good.

    **Shape**: near (N, 5), targets (N,).

    Returns:
        The share of 400 random renumberings whose mean is as small, and the number of pairs; None
        without unequal neighbours.

    Source: a permutation test of "autocorrelation" in Moran's sense (Cliff and Ord 1981) over the
    names of the classes.
    """
    values, place = targets.unique(return_inverse=True)
    count, ours = len(values), place[:, None].expand_as(near)
    unequal = ours != place[near]
    pairs = torch.zeros(count, count, dtype=torch.float64)
    pairs.index_put_(
        (ours[unequal], place[near][unequal]), torch.ones((), dtype=torch.float64), accumulate=True
    )
    total = int(pairs.sum())
    if not total:
        return None
    generator = torch.Generator().manual_seed(0)
    names = torch.stack([torch.randperm(count, generator=generator) for _ in range(RENUMBERINGS)])
    gaps = (names[:, :, None] - names[:, None, :]).abs().double()
    drawn = (gaps * pairs).sum((1, 2)) / total
    places = torch.arange(count)
    found = float(((places[:, None] - places).abs() * pairs).sum()) / total
    return float((drawn <= found * (1 + 1e-9)).double().mean()), total


def _agreement(labels: Tensor, near: Tensor) -> float:
    if not labels.is_floating_point():
        return float((labels[near] == labels[:, None]).double().mean())
    values = labels.double()
    means = values[near].mean(1)
    joint = torch.corrcoef(torch.stack((values, means)))[0, 1]
    return float(joint) if joint == joint else 0.0  # noqa: PLR0124 - NaN where means do not vary
