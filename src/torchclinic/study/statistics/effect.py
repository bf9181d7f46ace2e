"""Effect sizes of paired scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from torchclinic.core import UsageError
from torchclinic.study.statistics.sample import Differences, checked, constant, mean, scaled


def effect_size(differences: Differences) -> float:
    """Cohen's d_z: the mean difference over the standard deviation of the differences.

    Args:
        differences: after - before, one a seed.

    Returns:
        d_z, with the sign of the mean difference; infinite when all differences are equal and
        not zero, 0 when all are zero, NaN for a single pair, whose spread is unknown.

    Raises:
        UsageError: When there are no differences or one is not finite.

    Source:
        Lakens (2013), doi:10.3389/fpsyg.2013.00863, equation 6.

    >>> round(effect_size([1.0, 2.0, 3.0]), 3)
    2.0
    """
    sample = checked(differences)
    if sample.size < 2:
        return math.nan
    if constant(sample):
        middle = mean(sample)
        return math.copysign(math.inf, middle) if middle else 0.0
    unit, _ = scaled(sample)
    return float(unit.mean() / unit.std(ddof=1))


def superiority(
    before: Sequence[float], after: Sequence[float], *, higher_is_better: bool = True
) -> float:
    """Share of the pairs in which the second arm is better, ties counted half.

    Args:
        before: Scores of the first arm.
        after: Scores of the second arm on the same seeds.
        higher_is_better: Direction of the score.

    Returns:
        A share in [0, 1]; 0.5 means no difference.

    Raises:
        UsageError: When there are no pairs or the arms differ in length.

    >>> superiority([1, 1, 1, 1], [2, 2, 1, 0])
    0.625
    """
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if first.shape != second.shape or first.size == 0:
        raise UsageError(
            f"{first.size} scores before and {second.size} after", hint="one pair for each seed"
        )
    wins = second > first if higher_is_better else second < first
    return float(np.mean(wins + 0.5 * (second == first)))
