"""The interval of a mean that the sign-flip test does not reject."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from torchclinic.study.statistics.power import fewest_seeds
from torchclinic.study.statistics.sample import Differences, bounds

EXACT_UP_TO = 18  # values; 2^18 subset means take about 5 ms and 2 MB
RESAMPLES = 99_999  # random subsets beyond that
_ROWS_AT_ONCE = 10_000


def mean_interval(values: Differences, *, confidence: float = 0.95) -> tuple[float, float]:
    r"""Interval of the mean: all centres that a two-sided sign-flip test would not reject.

    If the values scatter symmetrically about m, then m falls between any two neighbours of the
    sorted means of all 2^n - 1 non-empty subsets with the same probability 2^-n. The k-th smallest
    and the k-th largest subset mean enclose it with probability 1 - 2k / 2^n, and k is the largest
    that keeps the confidence. So the interval of paired differences excludes 0 exactly when
    `sign_flip_p` is at most 1 - confidence, and its coverage is exact for any symmetric scatter,
    however few the values. Where they are too few for the test to reject anything (fewer than 6 at
    0.95) the interval is Student's, which is exact for normal values.

    Args:
        values: Scores or differences, one a seed.
        confidence: Probability of enclosing the mean, in (0, 1).

    Returns:
        (low, high), in the unit of the values; (-inf, inf) for one value, and a single point when
        all are equal.

    Raises:
        UsageError: When there are no values, one is not finite, or `confidence` is no share.

    Source:
        Hartigan, Using Subsample Values as Typical Values (1969), doi:10.2307/2283454.

    >>> low, high = mean_interval([0.85, 0.88, 0.87, 0.86, 0.88, 0.87])
    >>> round(low, 3), round(high, 3)
    (0.85, 0.88)
    """
    return bounds(values, confidence, lambda unit: _enclosing(unit, confidence))


def _enclosing(unit: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    if unit.size < fewest_seeds(confidence):
        return _student(unit, confidence)
    return _typical(unit, 1 - confidence)


def _student(unit: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    from scipy.special import stdtrit

    reach = stdtrit(unit.size - 1, 0.5 + confidence / 2) * unit.std(ddof=1) / math.sqrt(unit.size)
    return float(unit.mean() - reach), float(unit.mean() + reach)


def _typical(unit: NDArray[np.float64], level: float) -> tuple[float, float]:
    """The k-th smallest and largest of the subset means."""
    means = _subset_means(unit) if unit.size <= EXACT_UP_TO else _random_subset_means(unit)
    k = math.floor(level / 2 * (means.size + 1))
    ordered = np.partition(means, (k - 1, means.size - k))
    return float(ordered[k - 1]), float(ordered[means.size - k])


def _subset_means(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means of all non-empty subsets."""
    sums, counts = np.zeros(1), np.zeros(1)
    for value in unit:
        sums = np.concatenate((sums, sums + value))
        counts = np.concatenate((counts, counts + 1))
    return sums[1:] / counts[1:]


def _random_subset_means(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    generator = np.random.default_rng(0)
    means: list[NDArray[np.float64]] = []
    for start in range(0, RESAMPLES, _ROWS_AT_ONCE):
        rows = min(_ROWS_AT_ONCE, RESAMPLES - start)
        chosen = generator.integers(0, 2, size=(rows, unit.size), dtype=np.int8)
        chosen[~chosen.any(axis=1)] = 1  # the empty subset has no mean
        means.append((chosen @ unit) / chosen.sum(axis=1))
    return np.concatenate(means)
