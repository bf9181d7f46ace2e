"""How columns hang together with each other and with the target, in two parts of the data."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

PAIRED = 96  # columns among which pairs are compared
FEWEST = 4
FEWEST_ROWS = 20
DRAWS = 16
ROWS = 800  # of either part, that correlations are taken over
MOST_ORDERED = 300  # columns among which another order is looked for
ROUNDS = 12
QUANTILES = torch.linspace(0.02, 0.98, 13, dtype=torch.float64)
LEAK, NO_LEAK = 0.9, 0.5  # share of variance that one column explains: in training, in validation
LEAK_ROWS = 40
LEAK_MOVES = 15  # rows in which such a column is not at its median: one odd row tells nothing
LEAK_VARIES = 1e-6


class Joint(NamedTuple):
    """How alike columns hang together in two parts; see PartFacts."""

    likeness: float
    chance: float
    z: float
    gap: float


def joint_likeness(train: Tensor, validation: Tensor) -> Joint | None:
    r"""Do columns hang together alike in two parts?

    Pearson's correlation, over all pairs of columns $i < j$, of $r_{ij}$ in training with $r_{ij}$
    in validation; columns are standardised in each part, so that shift and scale do not count. By
    chance: the same of parts of these sizes drawn at random from the rows of both.

    **Shape**: (N, columns) and (M, columns).

    Returns:
        None with fewer than 4 columns that vary in both, or than 20 rows.

    Source: the permutation test of Jennrich's problem, "are two correlation matrices equal?",
    JASA 65 (1970), doi 10.1080/01621459.1970.10481133.
    """
    if min(len(train), len(validation)) < FEWEST_ROWS:
        return None
    train, validation = _some(train), _some(validation)
    both = _varies(train) & _varies(validation)
    kept = both.nonzero().flatten()
    if len(kept) < FEWEST:
        return None
    if len(kept) > PAIRED:
        kept = kept[torch.arange(PAIRED) * len(kept) // PAIRED]
    one, other = _unit(train[:, kept]), _unit(validation[:, kept])
    found = _alike(one, other)
    pooled = torch.cat((one, other))
    generator = torch.Generator().manual_seed(0)
    drawn: list[float] = []
    for _ in range(DRAWS):
        order = torch.randperm(len(pooled), generator=generator)
        drawn.append(_alike(pooled[order[: len(one)]], pooled[order[len(one) :]]))
    chance = torch.tensor(drawn, dtype=torch.float64)
    expected, spread = float(chance.mean()), float(chance.std())
    gap = float((_correlations(one) - _correlations(other)).abs().mean())
    return Joint(found, expected, (expected - found) / max(spread, 1e-6), gap)


def leaking(
    train: Tensor, target: Tensor, validation: Tensor, other: Tensor, *, classes: bool
) -> dict[str, Any]:
    r"""Columns that nearly determine the target in training, and not in validation.

    The share of the target's information in one column: for classes $\omega^2$, the share of the
    column's variance that lies between classes, corrected for chance; for numbers the square of
    the correlation.

    Returns:
        Fields of PartFacts; none without such a column.

    Source: Kaufman et al. 2012, "Leakage in Data Mining", doi 10.1145/2382577.2382579; omega
    squared by Hays 1963.
    """
    if min(len(train), len(validation)) < LEAK_ROWS:
        return {}
    told = explained(train, target, classes=classes)
    told_other = explained(validation, other, classes=classes)
    busy = (train != train.median(0).values).sum(0) >= LEAK_MOVES
    found = ((told > LEAK) & (told_other < NO_LEAK) & busy).nonzero().flatten()
    if not len(found) or bool((told_other > LEAK).any()):
        return {}  # where another column tells as much in validation, nothing is lost
    found = found[(told - told_other)[found].argsort(descending=True)]
    first = int(found[0])
    return {
        "leaks": tuple(found.tolist()),
        "leak_train": float(told[first]),
        "leak_validation": float(told_other[first]),
        "leak_outside": _outside(train[:, first], validation[:, first]),
    }


def explained(columns: Tensor, target: Tensor, *, classes: bool) -> Tensor:
    """Share of variance that each column and the target have in common, 0 for constant columns.

    **Shape**: (N, columns) and (N,) to (columns,).

    >>> x = torch.tensor([[0.0, 1.0], [0.0, 2.0], [1.0, 1.0], [1.0, 2.0]])
    >>> [round(value, 3) for value in explained(x, x[:, 0].double(), classes=False).tolist()]
    [1.0, 0.0]
    """
    values = columns.double()
    values = values - values.mean(0)
    total = values.square().sum(0)
    varies = _varies(columns)
    if not classes:
        y = target - target.mean()
        shared = (values * y[:, None]).sum(0).square() / (total * y.square().sum())
    else:
        _, group = target.unique(return_inverse=True)
        hot = torch.nn.functional.one_hot(group).double()
        counts = hot.sum(0)
        means = hot.T @ values / counts[:, None]
        between = (counts[:, None] * means.square()).sum(0)
        spare = len(values) - len(counts)
        if spare < 1:
            return torch.zeros(values.shape[1], dtype=torch.float64)
        within = (total - between).clamp(min=0) / spare
        shared = (between - (len(counts) - 1) * within) / (total + within)
    return torch.where(varies, shared.nan_to_num(0.0), torch.zeros((), dtype=torch.float64))


def column_order(
    train: Tensor, target: Tensor, validation: Tensor, other: Tensor, *, classes: bool
) -> Tensor | None:
    """Which training column each validation column looks like, one to one.

    Columns are matched by their quantiles, by how they go with the target and by the sorted
    correlations with the others; then, again and again, by the correlations with the columns that
    are matched already.

    Returns:
        A permutation, shape (columns,); None for too many columns.

    Source: Kuhn 1955 (assignment); the rounds are those of Umeyama 1988, doi 10.1109/34.6778, on
    graphs whose weights are correlations.
    """
    from scipy.optimize import linear_sum_assignment

    count = train.shape[1]
    if not FEWEST <= count <= MOST_ORDERED:
        return None
    one, two = _unit(train), _unit(validation)
    mine, theirs = one.T @ one / len(one), two.T @ two / len(two)
    spread = train.double().std(0).clamp(min=1e-12)
    common = float(spread.median())
    marks = [
        (_quantiles(train) / common, _quantiles(validation) / common),
        (_quantiles(one), _quantiles(two)),
        (mine.sort(1).values, theirs.sort(1).values),
        (_told(one, target, classes=classes), _told(two, other, classes=classes)),
    ]
    cost = sum(_distances(a, b) for a, b in marks)
    assert isinstance(cost, Tensor)
    found = torch.as_tensor(linear_sum_assignment(cost.numpy())[1])
    for _ in range(ROUNDS):
        aligned = theirs[:, _inverse(found)]  # columns of the pairs in training order
        again = cost + 2 * _distances(mine, aligned)
        order = torch.as_tensor(linear_sum_assignment(again.numpy())[1])
        if bool((order == found).all()):
            break
        found = order
    return found


def _outside(train: Tensor, validation: Tensor) -> float:
    low, high = train.min(), train.max()
    return float(((validation < low) | (validation > high)).double().mean())


def _some(rows: Tensor) -> Tensor:
    return rows if len(rows) <= ROWS else rows[torch.arange(ROWS) * len(rows) // ROWS]


def _alike(one: Tensor, other: Tensor) -> float:
    mine, theirs = (_correlations(part) for part in (one, other))
    found = torch.corrcoef(torch.stack((mine, theirs)))[0, 1]
    return float(found) if math.isfinite(float(found)) else 0.0


def _correlations(rows: Tensor) -> Tensor:
    unit = _unit(rows)
    matrix = unit.T @ unit / len(unit)
    above = torch.triu_indices(len(matrix), len(matrix), 1)
    return matrix[above[0], above[1]]


def _unit(rows: Tensor) -> Tensor:
    values = rows.double()
    values = values - values.mean(0)
    return values / values.std(0, correction=0).clamp(min=1e-12)


def _varies(rows: Tensor) -> Tensor:
    values = rows.double()
    return values.std(0) > LEAK_VARIES * (1e-12 + values.abs().amax(0))


def _quantiles(rows: Tensor) -> Tensor:
    """Shape (columns, quantiles)."""
    return torch.quantile(rows.double(), QUANTILES, dim=0).T


def _told(unit: Tensor, target: Tensor, *, classes: bool) -> Tensor:
    """How each column goes with the target: its mean by class, or the correlation."""
    if not classes:
        y = target - target.mean()
        return (unit.T @ (y / y.std().clamp(min=1e-12)) / len(y))[:, None]
    hot = torch.stack([(target == label).double() for label in target.unique()], 1)
    return unit.T @ hot / hot.sum(0)


def _distances(one: Tensor, other: Tensor) -> Tensor:
    """Squared distances of the validation columns (rows) to the training columns, scaled."""
    if one.shape[1] != other.shape[1]:  # classes that one part lacks
        return torch.zeros(len(other), len(one), dtype=torch.float64)
    found = torch.cdist(other, one).square() / one.shape[1]
    return found / found.mean().clamp(min=1e-12)


def _inverse(order: Tensor) -> Tensor:
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    return inverse
