"""Scales: a value's place on an axis, and the ticks a reader wants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torchclinic.render.numbers import finite
from torchclinic.render.words import number

DECADES_FOR_LOG = 2.0  # a positive quantity that spans more is drawn on a logarithmic axis
SMALLEST = 5e-324  # that a float holds
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, linear or logarithmic.

    >>> Scale(0.0, 2.0).place(0.5), Scale(1e-4, 1.0, log=True).place(1e-2)
    (0.25, 0.5)
    """

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value stands, 0 to 1 inside of the axis; NaN for what has no place."""
        if not math.isfinite(value):
            return math.nan
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        if value <= 0:
            return 0.0
        span = math.log10(self.high) - math.log10(self.low)
        return (math.log10(value) - math.log10(self.low)) / span

    def clamped(self, value: float) -> float:
        """As `place`, but kept on the axis."""
        return min(1.0, max(0.0, self.place(value)))

    def ticks(self, count: int = 5) -> list[float]:
        """At most about `count` round values on the axis."""
        return _log_ticks(self.low, self.high, count) if self.log else _ticks(self, count)


def _ticks(scale: Scale, count: int) -> list[float]:
    span = scale.high - scale.low
    if not span > 0:
        return [scale.low]
    raw = span / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(scale.low / step - 1e-9)
    last = math.floor(scale.high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _log_ticks(low: float, high: float, count: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = last - first + 1
    if decades >= 3:
        every = max(1, math.ceil(decades / count))
        return [10.0**k for k in range(first, last + 1) if (last - k) % every == 0]
    for multiples in ((1, 2, 5), (1, 3), (1,)):
        fine = [m * 10.0**k for k in range(first - 1, last + 1) for m in multiples]
        inside = [v for v in fine if low * 0.999 <= v <= high * 1.001]
        if 1 < len(inside) <= count + 3:
            return inside
    return [low, high]


def fitted(values: Iterable[float], *, log: bool | None = None, pad: float = 0.06) -> Scale:
    """A scale that shows all finite values, with some room.

    Args:
        values: What is drawn.
        log: Whether it is logarithmic; None decides by the span of the values.
        pad: Share of the span that is added at both ends.

    >>> fitted([0.0, 1.0], pad=0.0)
    Scale(low=0.0, high=1.0, log=False)
    """
    good = finite(values)
    positive = [v for v in good if v > 0]
    if log is None:
        log = len(positive) == len(good) > 0 and max(good) / min(good) > 10**DECADES_FOR_LOG
    if log and positive:
        low, high = math.log10(min(positive)), math.log10(max(positive))
        room = max(0.15, (high - low) * pad)
        return Scale(max(10 ** (low - room), SMALLEST), 10 ** min(high + room, 308), log=True)
    if not good:
        return Scale(0.0, 1.0)
    low, high = min(good), max(good)
    room = (high - low) * pad if high > low else abs(low) * 0.1 or 0.5
    if not math.isfinite(room):  # a span beyond what a float holds
        return Scale(low / 2, high / 2)
    bottom = 0.0 if 0 <= low <= 0.3 * high else low - room
    return Scale(bottom, high + room)


def widened(scale: Scale, share: float = 0.5) -> Scale:
    """A linear scale that spans at least `share` of its values' size.

    The noise of a loss that stands still would fill the plot otherwise.

    >>> widened(Scale(2.25, 2.35))
    Scale(low=1.7125, high=2.8875, log=False)
    """
    span = scale.high - scale.low
    least = share * max(abs(scale.low), abs(scale.high))
    if scale.log or span >= least:
        return scale
    room = (least - span) / 2
    return Scale(round(scale.low - room, 12), round(scale.high + room, 12))


def tick_labels(values: Sequence[float]) -> list[str]:
    """Labels of an axis' ticks with as many digits as tell them apart.

    >>> tick_labels([2.305, 2.31, 2.315]), tick_labels([0.0, 0.5, 1.0])
    (['2.305', '2.31', '2.315'], ['0', '0.5', '1'])
    """
    for digits in range(3, 9):
        found = [raised(number(value, digits)) for value in values]
        if len(set(found)) == len(values):
            return found
    return [raised(number(value)) for value in values]


def label(value: float) -> str:
    """A number for the page: 2.4e-7 becomes 2.4×10⁻⁷.

    >>> label(2.4e-7), label(1e-5), label(0.25)
    ('2.4×10⁻⁷', '10⁻⁵', '0.25')
    """
    return raised(number(value))


def raised(text: str) -> str:
    """A number's text with its exponent raised."""
    mantissa, mark, exponent = text.partition("e")
    if not mark or not exponent.lstrip("-").isdigit():
        return text
    power = f"10{exponent.translate(SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa}×{power}"


def count_label(value: float) -> str:
    """A count for an axis.

    >>> count_label(900), count_label(12000)
    ('900', '12k')
    """
    if abs(value) >= 10_000:
        return f"{number(value / 1000)}k"
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
