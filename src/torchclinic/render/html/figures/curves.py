"""Curves before and after: each seed faint, the median bold, the band between the seeds shaded."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from torchclinic.render.curves import Bundle, Curve
from torchclinic.render.html.plot import Plot
from torchclinic.render.html.scales import Scale, fitted, raised, widened
from torchclinic.render.numbers import finite, quantile, thin
from torchclinic.render.story import alike

DRAWN_POINTS = 400  # more points than this lie on the same pixel
NEAR = 0.09  # end labels closer than this share of the height are pushed apart
CEILING_OVER = 50.0  # a curve that shoots up further than this over the others is cut off


def curves(found: Sequence[Bundle], quantity: str, title: str, *, height: int = 262) -> Markup:
    """The plot of one quantity over the steps.

    Args:
        found: Curves of each arm.
        quantity: What is drawn ("accuracy").
        title: The finding, for those who cannot see it.
        height: In pixels.
    """
    plot = Plot(
        _steps(found), values_scale(found), title=title, height=height, margins=(14, 78, 26, 46)
    )
    plot.axes("step", beside=True)
    for one in found:
        if len(one.seeds) > 1:
            plot.band(one.median.steps, one.low, one.high, f"band {one.arm}")
    for one in found:
        for seed in one.seeds if len(one.seeds) > 1 else ():
            steps, values = thin(seed.steps, seed.values, DRAWN_POINTS)
            plot.line(steps, values, f"seed {one.arm}")
    for one in found:
        steps, values = thin(one.median.steps, one.median.values, DRAWN_POINTS)
        plot.line(steps, values, f"median {one.arm}")
        plot.hover(quantity if one.arm == "alone" else one.arm, steps, values)
        for seed in one.seeds:
            _break(plot, seed, one.arm)
    _ends(plot, found)
    _broken(plot, found)
    return plot.render()


def _steps(found: Sequence[Bundle]) -> Scale:
    last = max(one.median.steps[-1] for one in found)
    first = min(one.median.steps[0] for one in found)
    start = 0 if first < 0.1 * last else first
    return Scale(float(start), float(max(last, start + 1)))


def values_scale(found: Sequence[Bundle]) -> Scale:
    """The axis of the values: all of them, but a curve that blows up may not flatten the rest."""
    every = finite(v for one in found for seed in one.seeds for v in seed.values)
    if not every:
        return Scale(0.0, 1.0)
    usual = quantile(every, 0.9)
    if min(every) <= 0 < usual:
        every = [v for v in every if v <= CEILING_OVER * usual]
    return widened(fitted(every))


def _break(plot: Plot, seed: Curve, arm: str) -> None:
    """A cross where a seed's curve stops being a number."""
    if seed.breaks_at is None:
        return
    good = [(s, v) for s, v in zip(seed.steps, seed.values, strict=True) if s < seed.breaks_at]
    if good and math.isfinite(good[-1][1]):
        tip = f"{arm}: not finite from step {seed.breaks_at:,}"
        plot.cross(*good[-1], arm, tip)


def _ends(plot: Plot, found: Sequence[Bundle]) -> None:
    """The arm's word and its last value at the end of each median line."""
    ends = [(one, one.median.last) for one in found if math.isfinite(one.median.last)]
    places = [1 - plot.y.clamped(value) for _, value in ends]
    shifts = [0.0] * len(ends)
    if len(ends) == 2 and abs(places[0] - places[1]) < NEAR:
        first_is_lower = places[0] >= places[1]
        shifts = [8.0, -9.0] if first_is_lower else [-9.0, 8.0]
    for (one, value), shift in zip(ends, shifts, strict=True):
        step = next(
            s
            for s, v in zip(reversed(one.median.steps), reversed(one.median.values), strict=True)
            if math.isfinite(v)
        )
        words = raised(alike([last for other, last in ends if not other.gone], value))
        if one.gone:
            words = ""
        else:
            plot.dot(step, value, f"end {one.arm}", 4)
        side = "" if one.arm == "alone" else f"{one.arm} "
        plot.word(step, value, (side + words).strip(), one.arm, dx=9, dy=4 + shift)


def _broken(plot: Plot, found: Sequence[Bundle]) -> None:
    for row, one in enumerate(one for one in found if one.broken):
        side = "" if one.arm == "alone" else f"{one.arm}: "
        words = f"{side}{one.broken} of {len(one.seeds)} seeds stop being numbers (×)"
        plot.word(plot.x.low, plot.y.high, words, one.arm, dx=4, dy=8 + 16 * row)
