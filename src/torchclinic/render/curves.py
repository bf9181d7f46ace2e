"""Curves over seeds: each seed, their median and their band."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torchclinic.core import History, Run
from torchclinic.render.numbers import MAX_POINTS, bucket_means, finite, median, thin

Quantity = Literal["loss", "metric"]
Arm = Literal["before", "after", "alone"]


@dataclass(frozen=True)
class Curve:
    """One line: `values[i]` at `steps[i]`."""

    steps: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def last(self) -> float:
        """Newest finite value, NaN without any."""
        return next((v for v in reversed(self.values) if math.isfinite(v)), math.nan)

    @property
    def breaks_at(self) -> int | None:
        """First step with a non-finite value, None without one."""
        pairs = zip(self.steps, self.values, strict=True)
        return next((s for s, v in pairs if not math.isfinite(v)), None)


@dataclass(frozen=True)
class Bundle:
    """The curves of one arm.

    Attributes:
        arm: Which side of the comparison; "alone" where there is none.
        seeds: One curve a seed.
        median: Over the seeds, at the steps where at least half of them have a finite value.
        low: Smallest finite value of the seeds at each step of the median.
        high: Largest.
    """

    arm: Arm
    seeds: tuple[Curve, ...]
    median: Curve
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def broken(self) -> int:
        """Number of seeds with a non-finite value."""
        return sum(curve.breaks_at is not None for curve in self.seeds)

    @property
    def gone(self) -> bool:
        """Whether the median ends as something that is no finite number."""
        return not math.isfinite(self.median.values[-1])


def bundle(arm: Arm, curves: Sequence[Curve]) -> Bundle | None:
    """Curves of one arm with their median and band, None when all are empty."""
    curves = [curve for curve in curves if curve.steps]
    if not curves:
        return None
    at: dict[int, list[float]] = {}
    for curve in curves:
        for step, value in zip(curve.steps, curve.values, strict=True):
            at.setdefault(step, []).append(value)
    steps = sorted(at)
    good = [finite(at[step]) for step in steps]
    enough = [2 * len(values) >= len(curves) and len(values) > 0 for values in good]
    middle = [median(v) if ok else math.nan for v, ok in zip(good, enough, strict=True)]
    return Bundle(
        arm,
        tuple(curves),
        Curve(tuple(steps), tuple(middle)),
        tuple(min(v) if ok else math.nan for v, ok in zip(good, enough, strict=True)),
        tuple(max(v) if ok else math.nan for v, ok in zip(good, enough, strict=True)),
    )


def evaluation_curve(history: History, quantity: Quantity) -> Curve:
    """The validation curve of a run, else its test curve, else that of its training split."""
    for split in ("validation", "test", "train"):
        points = history.curve(split, quantity)
        if len(points) > 1 or (points and split == "train"):
            steps, values = thin([s for s, _ in points], [v for _, v in points])
            return Curve(steps, values)
    return Curve((), ())


def evaluated_split(runs: Sequence[Run], quantity: Quantity) -> str:
    """Name of the split that `evaluation_curve` shows, "" without one."""
    for split in ("validation", "test", "train"):
        if any(len(run.history.curve(split, quantity)) > 1 for run in runs):
            return split
    return ""


def training_curve(history: History, points: int) -> Curve:
    """The training loss, as means over `points` equal stretches of steps."""
    ends, means = bucket_means(history.losses, points)
    return Curve(tuple(ends), tuple(means))


def bundles(
    before: Sequence[Run], after: Sequence[Run], curve: Callable[[History], Curve]
) -> tuple[Bundle, ...]:
    """The bundles of both arms, as far as there are any."""
    both = bool(before) and bool(after)
    found = (
        bundle("before" if both else "alone", [curve(run.history) for run in before]),
        bundle("after" if both else "alone", [curve(run.history) for run in after]),
    )
    return tuple(b for b in found if b is not None)


def evaluation_bundles(
    before: Sequence[Run], after: Sequence[Run], quantity: Quantity
) -> tuple[Bundle, ...]:
    """Curves of the held-out loss or metric of both arms."""
    return bundles(before, after, lambda history: evaluation_curve(history, quantity))


def training_bundles(
    before: Sequence[Run], after: Sequence[Run], points: int = 150
) -> tuple[Bundle, ...]:
    """Curves of the training loss of both arms, smoothed to at most `points` stretches."""
    return bundles(before, after, lambda h: training_curve(h, min(points, MAX_POINTS)))
