"""Smoothing of long series into a few blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torchclinic.functional.robust import median_of_means


@dataclass(frozen=True)
class Block:
    """A stretch of a series.

    Attributes:
        centre: Mean step of its values.
        level: Median of means of its values.
        count: Finite values in it.
    """

    centre: float
    level: float
    count: int


def blocks(steps: Sequence[int], values: Sequence[float], count: int = 24) -> tuple[Block, ...]:
    """The series cut into at most `count` stretches with equally many values each.

    Non-finite values are left out, so a block never has a non-finite level.

    Args:
        steps: Rising.
        values: As many as steps.
        count: Largest number of blocks, at least 1.

    Returns:
        One Block a stretch, in time order; () of no finite value.

    >>> [b.level for b in blocks((1, 2, 3, 4), (1.0, 3.0, 10.0, 20.0), count=2)]
    [2.0, 15.0]
    """
    kept = [(s, v) for s, v in zip(steps, values, strict=True) if math.isfinite(v)]
    number = min(count, len(kept))
    edges = [round(i * len(kept) / number) for i in range(number + 1)] if number else []
    return tuple(_block(kept[start:stop]) for start, stop in pairwise(edges))


def _block(pairs: Sequence[tuple[int, float]]) -> Block:
    return Block(
        centre=sum(step / len(pairs) for step, _ in pairs),
        level=median_of_means([value for _, value in pairs], groups=3),
        count=len(pairs),
    )
