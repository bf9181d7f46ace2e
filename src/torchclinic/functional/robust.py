"""Statistics that a few wild values cannot spoil, on plain Python numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

_MAD_TO_SIGMA = 1.4826  # 1 / Phi^-1(3/4): the MAD of a normal distribution is 0.6745 sigma


def finite(values: Iterable[float]) -> list[float]:
    """The values that are neither NaN nor infinite, in order.

    >>> finite([1.0, float("nan"), 2.0])
    [1.0, 2.0]
    """
    return [value for value in values if math.isfinite(value)]


def quantile(values: Sequence[float], q: float) -> float:
    r"""The q-quantile of the finite values, linear between neighbours; NaN of none.

    Args:
        values: In any order; non-finite ones are left out.
        q: Between 0 and 1.

    Source: definition 7 of Hyndman & Fan 1996 (numpy's default).

    >>> quantile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.5
    """
    ordered = sorted(finite(values))
    if not ordered:
        return math.nan
    place = min(max(q, 0.0), 1.0) * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    weight = place - below
    return ordered[below] * (1.0 - weight) + ordered[above] * weight


def median(values: Sequence[float]) -> float:
    """The median of the finite values; NaN of none.

    >>> median([3.0, 1.0, 100.0])
    3.0
    """
    return quantile(values, 0.5)


def mad_sigma(values: Sequence[float]) -> float:
    r"""Robust standard deviation: $1.4826 \cdot \mathrm{median}\,|x_i - \mathrm{median}(x)|$.

    Returns:
        NaN of no finite value; 0 when more than half are equal.

    Source: Hampel 1974, doi 10.1080/01621459.1974.10482962.

    >>> round(mad_sigma([1.0, 2.0, 3.0, 4.0, 1000.0]), 4)
    1.4826
    """
    kept = finite(values)
    centre = median(kept)
    return _MAD_TO_SIGMA * median([abs(value - centre) for value in kept])


def median_of_means(values: Sequence[float], groups: int = 5) -> float:
    r"""Median of the means of up to `groups` consecutive groups: a mean that spikes cannot move.

    Unlike a median it estimates the mean of a skewed quantity, such as the loss of a batch of one.

    Args:
        values: In time order; non-finite ones are left out.
        groups: Number of groups, at least 1.

    Returns:
        NaN of no finite value.

    Source: Nemirovsky & Yudin 1983; Lugosi & Mendelson 2019, arXiv 1906.04280, section 2.1.

    >>> median_of_means([1.0, 1.0, 1.0, 1.0, 900.0], groups=5)
    1.0
    """
    kept = finite(values)
    if not kept:
        return math.nan
    count = max(1, min(groups, len(kept)))
    edges = [round(i * len(kept) / count) for i in range(count + 1)]
    return median([_mean(kept[start:stop]) for start, stop in pairwise(edges)])


def _mean(values: Sequence[float]) -> float:
    # halves before the sum, so that two values near the largest float do not overflow
    return sum(value / len(values) for value in values)
