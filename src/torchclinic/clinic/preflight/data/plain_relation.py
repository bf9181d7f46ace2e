"""What a plain model learns of a part's targets from a part of its rows."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchclinic.clinic.preflight.data.neighbours import majority, nearest

FOLDS = 5
FEWEST_ROWS = 40
MOST_CLASSES = 100
STRENGTHS = (0.1, 1.0, 10.0)  # of the penalty, times the mean variance of the points


def plain_relation(points: Tensor, targets: Tensor, *, classes: bool) -> tuple[float, float] | None:
    r"""What ridge regression or 5 nearest neighbours know of rows that they were not given.

    Every fifth row in turn is asked about after learning from the others. The better of the
    models counts. For classes $(a - b) / (1 - b)$, with $a$ the accuracy and $b$ the share of the
    largest class; for numbers the correlation of answers and targets, squared with its sign.

    **Shape**: points (N, columns), targets (N,).

    Returns:
        That, and its distance from nothing in standard deviations of chance; None with fewer than
        40 rows, or targets that are all the same.

    >>> x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    >>> known, z = plain_relation(x, (x[:, 0] > 0).double(), classes=True)
    >>> known > 0.8, z > 5
    (True, True)
    """
    rows = len(points)
    values, place = targets.unique(return_inverse=True)
    if rows < FEWEST_ROWS or len(values) < 2 or (classes and len(values) > MOST_CLASSES):
        return None
    if classes:
        wanted = torch.nn.functional.one_hot(place).double()
    else:
        wanted = ((targets - targets.mean()) / targets.std()).double()[:, None]
    best: tuple[float, float] | None = None
    for answers in _answers(points.double(), wanted, classes=classes):
        if classes:
            found = _classes(answers.argmax(1), place)
        else:
            found = _numbers(answers[:, 0], wanted[:, 0])
        best = found if best is None or found[1] > best[1] else best
    return best


def _answers(points: Tensor, wanted: Tensor, *, classes: bool) -> list[Tensor]:
    """Of each model, for all rows, each from the other folds."""
    found = [torch.zeros_like(wanted) for _ in range(len(STRENGTHS) + 1)]
    fold = torch.arange(len(points)) % FOLDS
    for number in range(FOLDS):
        out, rest = fold == number, fold != number
        inside, target = points[rest], wanted[rest]
        mean, middle = inside.mean(0), target.mean(0)
        given, asked = inside - mean, points[out] - mean
        products = given @ given.T
        scale = float(products.diagonal().mean()) or 1.0
        for i, strength in enumerate(STRENGTHS):
            matrix = products + strength * scale * torch.eye(len(given), dtype=torch.float64)
            weights = torch.linalg.solve(matrix, target - middle)
            found[i][out] = middle + asked @ (given.T @ weights)
        near = nearest(inside.float(), points[out].float())
        if classes:
            said = majority(target.argmax(1)[near])
            found[-1][out] = torch.nn.functional.one_hot(said, wanted.shape[1]).double()
        else:
            found[-1][out] = target[near].mean(1)
    return found


def _classes(said: Tensor, truth: Tensor) -> tuple[float, float]:
    """Rescaled accuracy, and how far the accuracy lies above that of the same answers shuffled."""
    rows, count = len(truth), int(truth.max()) + 1
    shares = truth.bincount(minlength=count).double() / rows
    taken = said.bincount(minlength=count).double() / rows
    right, chance = float((said == truth).double().mean()), float((shares * taken).sum())
    base = float(shares.max())
    spread = math.sqrt(max(chance * (1 - chance), 1.0 / rows) / rows)
    return (right - base) / max(1 - base, 1e-9), (right - chance) / spread


def _numbers(said: Tensor, truth: Tensor) -> tuple[float, float]:
    joint = float(torch.corrcoef(torch.stack((said, truth)))[0, 1])
    joint = joint if math.isfinite(joint) else 0.0
    return joint * abs(joint), joint * math.sqrt(len(truth) - 1)
