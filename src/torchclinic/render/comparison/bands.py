"""Curves of an arm over its seeds: the median and the middle half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.core import StudyCurve
from torchclinic.render.curves import Curve
from torchclinic.render.numbers import finite, quantile

STRETCHES = 150  # of the steps, over which a curve with a value at each step is averaged


@dataclass(frozen=True)
class Band:
    """The curves of one arm.

    Attributes:
        arm: Its name.
        seeds: One curve a seed.
        median: Over the seeds, where at least half of them have a finite value.
        low: Lower quartile of the seeds at each step of the median.
        high: Upper quartile.
    """

    arm: str
    seeds: tuple[Curve, ...]
    median: Curve
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def broken(self) -> int:
        """Number of seeds with a non-finite value."""
        return sum(curve.breaks_at is not None for curve in self.seeds)


def bands(arms: Sequence[str], curves: Sequence[StudyCurve], width: int = 1) -> tuple[Band, ...]:
    """A band for each arm that has curves, in the order of the arms.

    Args:
        arms: Names of the arms.
        curves: Of one quantity of one split.
        width: Steps over which they are averaged.
    """
    grouped: dict[str, list[Curve]] = {arm: [] for arm in arms}
    for curve in curves:
        if curve.points and curve.arm in grouped:
            grouped[curve.arm].append(averaged(curve.points, width))
    return tuple(band(arm, found) for arm, found in grouped.items() if found)


def stretch(curves: Sequence[StudyCurve], points: int = STRETCHES) -> int:
    """Steps that make one point, so that the longest curve has about `points`; 1 keeps all."""
    if max((len(curve.points) for curve in curves), default=0) <= points:
        return 1
    last = max(curve.points[-1][0] for curve in curves if curve.points)
    return max(1, math.ceil(last / points))


def averaged(points: Sequence[tuple[int, float]], width: int) -> Curve:
    """Means over stretches of steps that all curves share; a stretch with a NaN is NaN.

    >>> averaged([(1, 1.0), (2, 3.0), (3, 5.0)], 2)
    Curve(steps=(2, 4), values=(2.0, 5.0))
    """
    if width == 1:
        return Curve(tuple(s for s, _ in points), tuple(v for _, v in points))
    sums: dict[int, list[float]] = {}
    for step, value in points:
        sums.setdefault(-(-step // width) * width, []).append(value)
    values = [
        sum(v / len(part) for v in part) if all(map(math.isfinite, part)) else math.nan
        for part in sums.values()
    ]
    return Curve(tuple(sums), tuple(values))


def band(arm: str, seeds: Sequence[Curve]) -> Band:
    """Median and middle half of the curves of one arm."""
    at: dict[int, list[float]] = {}
    for curve in seeds:
        for step, value in zip(curve.steps, curve.values, strict=True):
            at.setdefault(step, []).append(value)
    steps = sorted(at)
    known = [finite(at[step]) for step in steps]
    enough = [v if 2 * len(v) >= len(seeds) else [] for v in known]
    low, middle, high = (tuple(quantile(v, share) for v in enough) for share in (0.25, 0.5, 0.75))
    return Band(arm, tuple(seeds), Curve(tuple(steps), middle), low, high)
