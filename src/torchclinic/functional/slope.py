"""The slope of a noisy series, with a confidence interval that outliers cannot move."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.functional.robust import median

_Z = {0.8: 1.2816, 0.9: 1.6449, 0.95: 1.9600, 0.99: 2.5758}  # two-sided normal quantiles


@dataclass(frozen=True)
class Slope:
    """Theil-Sen slope.

    Attributes:
        value: Median of the slopes of all pairs.
        low: Lower end of the confidence interval, -inf when there are too few points for one.
        high: Upper end.
        points: Points used.
    """

    value: float
    low: float
    high: float
    points: int

    @property
    def falls(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.high < 0

    @property
    def rises(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0


def theil_sen(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Slope | None:
    r"""Median of $(y_j - y_i) / (x_j - x_i)$ over all pairs, with Sen's interval.

    The interval comes from the variance of Kendall's statistic: with $N$ slopes and
    $\sigma^2 = (n(n-1)(2n+5) - \sum_t t(t-1)(2t+5)) / 18$ ($t$: sizes of groups of ties in y) its
    ends are the slopes of rank $(N \mp z\sigma)/2$.

    Args:
        x: Positions, any order; points with a non-finite coordinate are left out.
        y: Values, as many.
        confidence: 0.8, 0.9, 0.95 or 0.99.

    Returns:
        None when fewer than two points have distinct x.

    Source: Sen 1968, doi 10.1080/01621459.1968.10480934.

    >>> theil_sen([0, 1, 2, 3, 4, 5], [0, 2, 4, 6, 8, 1000]).value
    2.0
    """
    points = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)]
    slopes = sorted(
        (points[j][1] - points[i][1]) / (points[j][0] - points[i][0])
        for i in range(len(points))
        for j in range(i + 1, len(points))
        if points[j][0] != points[i][0]
    )
    if not slopes:
        return None
    spread = _Z[confidence] * _kendall_sigma([b for _, b in points])
    low_rank = math.floor((len(slopes) - spread) / 2)
    high_rank = math.ceil((len(slopes) + spread) / 2)
    return Slope(
        value=median(slopes),
        low=slopes[low_rank] if low_rank >= 0 else -math.inf,
        high=slopes[high_rank] if high_rank < len(slopes) else math.inf,
        points=len(points),
    )


def _kendall_sigma(y: Sequence[float]) -> float:
    def term(n: int) -> int:
        return n * (n - 1) * (2 * n + 5)

    ties = sum(term(count) for count in Counter(y).values() if count > 1)
    return math.sqrt(max(term(len(y)) - ties, 0) / 18)
