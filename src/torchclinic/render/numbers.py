"""Medians, quantiles and thinning of series, without numpy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

MAX_POINTS = 2000  # points of one series in a report; more cannot be told apart on a screen


def finite(values: Iterable[float | None]) -> list[float]:
    """The finite ones of the values, in order."""
    return [v for v in values if v is not None and math.isfinite(v)]


def quantile(values: Iterable[float | None], share: float) -> float:
    """Quantile of the finite values by linear interpolation; NaN without any.

    >>> quantile([1.0, 2.0, 10.0], 0.5), quantile([0.0, 1.0], 0.25)
    (2.0, 0.25)
    """
    ordered = sorted(finite(values))
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    rest = place - below
    return ordered[below] * (1 - rest) + ordered[above] * rest


def median(values: Iterable[float | None]) -> float:
    """Median of the finite values; NaN without any.

    >>> median([3.0, 1.0, float("nan")])
    2.0
    """
    return quantile(values, 0.5)


def thin(
    steps: Sequence[int], values: Sequence[float], limit: int = MAX_POINTS
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """At most `limit` points of a series: ends, and the smallest and largest of each bucket.

    A spike of one step and the first non-finite value of a bucket are always kept.

    Args:
        steps: Rising steps.
        values: Value at each step; may be NaN or infinite.
        limit: Points to keep at most, at least 5: two ends, low, high and one that is not finite.

    Returns:
        The kept steps and values.

    >>> thin(range(1000), [0.0] * 500 + [9.0] + [0.0] * 499, 10)[1].count(9.0)
    1
    """
    count = len(values)
    if count <= limit:
        return tuple(steps), tuple(values)
    buckets = max(1, (limit - 2) // 3)
    kept = {0, count - 1}
    for bucket in range(buckets):
        start = bucket * count // buckets
        stop = (bucket + 1) * count // buckets
        kept |= _extremes(values, range(start, stop))
    places = sorted(kept)
    return tuple(steps[i] for i in places), tuple(values[i] for i in places)


def _extremes(values: Sequence[float], places: range) -> set[int]:
    good = [i for i in places if math.isfinite(values[i])]
    bad = next((i for i in places if not math.isfinite(values[i])), None)
    kept = set() if bad is None else {bad}
    if good:
        kept |= {min(good, key=values.__getitem__), max(good, key=values.__getitem__)}
    return kept


def bucket_means(values: Sequence[float], buckets: int) -> tuple[list[int], list[float]]:
    """Means over equal stretches of a per-step series (step k is `values[k - 1]`).

    A stretch with a non-finite value is NaN: a mean over the rest would hide it.

    Returns:
        The last step of each stretch, and the mean of each stretch.

    >>> bucket_means([1.0, 3.0, 5.0, 7.0], 2)
    ([2, 4], [2.0, 6.0])
    """
    count = len(values)
    buckets = min(buckets, count)
    ends: list[int] = []
    means: list[float] = []
    for bucket in range(buckets):
        start, stop = bucket * count // buckets, (bucket + 1) * count // buckets
        part = values[start:stop]
        ends.append(stop)
        means.append(
            sum(v / len(part) for v in part) if all(map(math.isfinite, part)) else math.nan
        )
    return ends, means
