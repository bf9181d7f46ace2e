"""What a curve of loss against learning rate suggests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from torchclinic.core import UsageError
from torchclinic.study.lr_range.limits import (
    DIVERGED_DESCENT,
    DIVERGED_NOISE,
    DIVERGED_RISE,
    FALLS_NOISE,
    FALLS_SHARE,
    LEARNS_SHARE,
    VALLEY_EDGE,
    VALLEY_SHARE,
)
from torchclinic.study.lr_range.smoothing import Floats

_START_SHARE = 0.1  # of the points: the rates at which nothing happens yet
_FEWEST_POINTS = 5
_SAME_SLOPE = 1e-6


@dataclass(frozen=True)
class Suggested:
    """Rates to use, or why there are none.

    Attributes:
        suggestions: Name -> rate, the one to use first.
        divergence: First rate at which the loss blows up, None if it never does.
        reason: Why there is no suggestion; empty when there is one.
        bounds: Ends of a cyclic schedule; empty without a suggestion, or where they would not rise.
    """

    suggestions: Mapping[str, float] = field(default_factory=dict[str, float])
    divergence: float | None = None
    reason: str = ""
    bounds: Mapping[str, float] = field(default_factory=dict[str, float])


def suggest(lrs: Sequence[float], losses: Sequence[float], noise: float = 0.0) -> Suggested:
    r"""Read a smoothed curve of a range test.

    With the start L0 (mean of the first tenth, or the first point if lower) and the lowest loss so
    far, the curve diverges where it is not finite, or has lost half of its descent again and risen
    by 20 % of |L0| and by 8 standard deviations of the noise. Before that point:

    - "valley": centre, in log rate, of the descent between its first and its last tenth. Only where
      the loss falls by 20 % of |L0|: the middle of a shallow descent says where the output layer
      finds the mean of the targets, not where the net learns.
    - "divergence/10": a tenth of the rate at which the curve diverges.
    - "steepest": where d loss / d log(rate) is lowest.
    - "minimum/10": a tenth of the rate at which the loss is lowest.

    Beside these single rates it gives the bounds of a cyclic schedule as they are read off by eye:
    a sixth of the rate at which the descent begins (where a tenth of it is done) and "minimum/10".

    There is no suggestion when the loss does not fall by 6 standard deviations of the noise (and
    0.2 % of |L0|), or falls by less than 5 % and never blows up.

    Args:
        lrs: Rising rates, above 0.
        losses: Smoothed loss at each rate; may end in values that are not finite.
        noise: Standard deviation of a smoothed loss due to batches.

    Returns:
        Rates in the unit of `lrs`. The loss may be scaled, and the rates may be, without changing
        what is found.

    Raises:
        UsageError: When there are fewer than 5 points, the lengths differ, or the rates do not
            rise or are not above 0.

    Source:
        Smith, arXiv:1506.01186, section 3.3, for the test; the lowest derivative with respect to
        log(rate) is common practice.

    >>> rates = [10.0 ** (-k / 2) for k in range(12, -1, -1)]
    >>> losses = [2.3] * 5 + [2.2, 1.8, 1.2, 0.6, 0.4, 0.5, 2.0, 9.0]
    >>> found = suggest(rates, losses)
    >>> round(found.suggestions["valley"], 4), round(found.divergence, 3)
    (0.0032, 0.316)
    """
    rates, values = _checked(lrs, losses)
    finite = _finite_points(values)
    if finite < _FEWEST_POINTS:
        return Suggested(divergence=float(rates[finite]), reason=_blown_up(rates))
    curve = values[:finite]
    first = curve[: max(1, round(_START_SHARE * values.size))]
    start = min(float(first.mean()), float(first[0]))
    end = _divergence(curve, start, noise)
    divergence = float(rates[end]) if end < values.size else None
    if end < _FEWEST_POINTS:
        return Suggested(divergence=divergence, reason=_blown_up(rates))
    bottom = int(np.argmin(curve[:end]))
    fall = start - float(curve[bottom])
    reason = _why_not(fall, start, noise, divergence, float(rates[-1]))
    if reason:
        return Suggested(divergence=divergence, reason=reason)
    named = _named(rates, curve, start, bottom, divergence)
    if fall < VALLEY_SHARE * abs(start):
        del named["valley"]
    return Suggested(named, divergence, bounds=_bounds(rates, curve, start, bottom))


def suggest_from(
    lrs: Sequence[float], losses: Sequence[float], noise: float, untrained: float
) -> Suggested:
    """As `suggest`, of a curve that may blow up before it has begun.

    Args:
        lrs: Rising rates, above 0.
        losses: Smoothed loss at each rate.
        noise: Standard deviation of a smoothed loss.
        untrained: Loss before any update.

    >>> suggest_from([1.0, 2.0], [9.0, 9.0], 0.0, 2.3).reason
    'the loss blows up at once, at a learning rate of 1: try lower ones'
    """
    rise = losses[0] - untrained
    if rise >= max(DIVERGED_RISE * abs(untrained), DIVERGED_NOISE * noise):
        return Suggested(divergence=float(lrs[0]), reason=_blown_up(np.asarray(lrs)))
    if len(lrs) < _FEWEST_POINTS:
        return Suggested(divergence=float(lrs[-1]), reason=_blown_up(np.asarray(lrs)))
    return suggest(lrs, losses, noise)


def _named(
    rates: Floats, curve: Floats, start: float, bottom: int, divergence: float | None
) -> dict[str, float]:
    """Every suggestion that can be made, the one to use first."""
    named = {"valley": _valley(rates, curve, start, bottom)}
    if divergence is not None:
        named["divergence/10"] = divergence / 10
    named["steepest"] = _steepest(rates, curve, bottom)
    named["minimum/10"] = float(rates[bottom]) / 10
    return named


def _bounds(rates: Floats, curve: Floats, start: float, bottom: int) -> dict[str, float]:
    low = float(rates[_descent_start(curve, start, bottom)]) / 6
    high = float(rates[bottom]) / 10
    return {"descent/6": low, "minimum/10": high} if low < high else {}


def _descent_start(curve: Floats, start: float, bottom: int) -> int:
    """Index of the last point before the lowest at which a tenth of the descent is not done."""
    edge = VALLEY_EDGE * (start - curve[bottom])
    return int(np.nonzero(curve[: bottom + 1] >= start - edge)[0][-1])


def _valley(rates: Floats, curve: Floats, start: float, bottom: int) -> float:
    edge = VALLEY_EDGE * (start - curve[bottom])
    before = _descent_start(curve, start, bottom)
    after = before + int(np.nonzero(curve[before : bottom + 1] <= curve[bottom] + edge)[0][0])
    return math.sqrt(float(rates[before]) * float(rates[after]))


def _steepest(rates: Floats, curve: Floats, bottom: int) -> float:
    """Where the slope is lowest; the middle where it is so at several rates."""
    known = min(bottom + 2, curve.size)
    slope = np.gradient(curve[:known], np.log(rates[:known]))[: bottom + 1]
    lowest = np.nonzero(slope <= (1 - _SAME_SLOPE) * slope.min())[0]
    return float(rates[lowest[lowest.size // 2]])


def _divergence(curve: Floats, start: float, noise: float) -> int:
    """Index of the first point that has blown up; the number of points if none has."""
    lowest = np.minimum.accumulate(np.minimum(curve, start))
    least = max(DIVERGED_RISE * abs(start), DIVERGED_NOISE * noise)
    level = lowest + np.maximum(DIVERGED_DESCENT * (start - lowest), least)
    blown = np.nonzero((curve >= level) & (curve > lowest))[0]
    return int(blown[0]) if blown.size else curve.size


def _why_not(
    fall: float, start: float, noise: float, divergence: float | None, highest: float
) -> str:
    share = fall / abs(start) if start else math.inf
    ending = f"blows up at {divergence:.2g}" if divergence else f"reaches {highest:.2g}"
    if fall <= FALLS_NOISE * noise or share <= FALLS_SHARE:
        by = f"falls by {max(fall, 0.0):.2g}, within the noise of {FALLS_NOISE * noise:.2g},"
        return f"the loss {by if noise else 'does not fall'} before the learning rate {ending}"
    if divergence is None and share < LEARNS_SHARE:
        return (
            f"the loss falls by only {share:.1%} up to a learning rate of {highest:.2g} and never "
            "blows up: too little to tell one rate from another"
        )
    return ""


def _blown_up(rates: Floats) -> str:
    return f"the loss blows up at once, at a learning rate of {rates[0]:.2g}: try lower ones"


def _finite_points(values: Floats) -> int:
    bad = np.nonzero(~np.isfinite(values))[0]
    return int(bad[0]) if bad.size else values.size


def _checked(lrs: Sequence[float], losses: Sequence[float]) -> tuple[Floats, Floats]:
    rates, values = np.asarray(lrs, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if rates.shape != values.shape or rates.ndim != 1:
        raise UsageError(f"{rates.size} learning rates and {values.size} losses")
    if rates.size < _FEWEST_POINTS:
        raise UsageError(f"{rates.size} learning rates make no curve", hint="150 is usual")
    if not (rates[0] > 0 and np.all(np.diff(rates) > 0)):
        raise UsageError(
            f"the learning rates go from {rates[0]} to {rates[-1]}",
            hint="rising numbers above 0",
        )
    return rates, values
