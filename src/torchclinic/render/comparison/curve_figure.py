"""The curves of many arms in one plot: median lines, the middle half of the seeds shaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from torchclinic.render.comparison.arms import ArmView
from torchclinic.render.comparison.bands import Band
from torchclinic.render.comparison.end_labels import spread
from torchclinic.render.html.plot import Plot
from torchclinic.render.html.scales import Scale, fitted, raised
from torchclinic.render.numbers import finite, quantile, thin
from torchclinic.render.words import decimals_for, score, shorten

DRAWN_POINTS = 400  # more points than this lie on the same pixel
MOST_LABELS = 14  # words at the ends of the lines; beyond that only the arm buttons name them
MOST_BANDS = 10  # arms whose bands are shaded
MOST_ALIKE = 20.0  # ratio of values up to which they are written with the same decimals
LABEL_COLUMNS = 18
MARGINS = (14, 168, 26, 52)
HEIGHT = 380
LATE = 0.2  # share of the steps that is left out of the axis where that more than doubles it
HALF = 0.5
CEILING_OVER = 20.0  # values further than this over the upper quartile are cut off


def curve_figure(
    found: Sequence[Band], views: Mapping[str, ArmView], quantity: str, title: str, *, seeds: bool
) -> Markup:
    """The plot of one quantity over the steps.

    Args:
        found: The curves of each arm.
        views: Name -> arm.
        quantity: What is drawn ("validation accuracy").
        title: The finding, for those who cannot see it.
        seeds: Whether each seed's line is there too, to be switched on.
    """
    scale = values_scale(found)
    plot = Plot(_steps(found), scale, title=title, height=HEIGHT, margins=MARGINS)
    plot.axes("step", beside=True)
    for one in found:
        view = views[one.arm]
        if shaded(found):
            plot.band(one.median.steps, one.low, one.high, f"band {view.style} {view.key}")
    for one in found if seeds else ():
        view = views[one.arm]
        for seed in one.seeds if len(one.seeds) > 1 else ():
            steps, values = thin(seed.steps, seed.values, DRAWN_POINTS)
            plot.line(steps, values, f"seed {view.style} {view.key}")
    for one in found:
        view = views[one.arm]
        steps, values = thin(one.median.steps, one.median.values, DRAWN_POINTS)
        plot.line(steps, values, f"median {view.style} {view.key}")
        plot.hover(f"{view.name} {quantity}", steps, values, view.key)
        _breaks(plot, one, view)
    _ends(plot, found, views)
    return plot.render()


def shaded(found: Sequence[Band]) -> bool:
    """Whether the middle half of the seeds is drawn: among too many arms it would be mud."""
    return len(found) <= MOST_BANDS and any(len(one.seeds) > 1 for one in found)


def _steps(found: Sequence[Band]) -> Scale:
    last = max(one.median.steps[-1] for one in found)
    first = min(one.median.steps[0] for one in found)
    start = 0 if first < 0.1 * last else first
    return Scale(float(start), float(max(last, start + 1)))


def values_scale(found: Sequence[Band]) -> Scale:
    """The axis of the values: medians and bands of all arms.

    An arm that blows up is cut off, so that it does not flatten the others; so are the first steps
    where the rest lies within half of the span.
    """
    every = _values(found)
    if not every:
        return Scale(0.0, 1.0)
    usual = quantile(every, 0.75)
    ceiling = CEILING_OVER * usual if usual > 0 else math.inf
    whole = fitted([v for v in every if v <= ceiling])
    late = [v for v in _values(found, LATE) if v <= ceiling]
    if not late or whole.log:
        return whole
    part = fitted(late, log=False)
    return part if part.high - part.low < HALF * (whole.high - whole.low) else whole


def leaves_out_the_start(found: Sequence[Band]) -> bool:
    """Whether the first values lie outside of the axis."""
    scale = values_scale(found)
    return any(not -1e-9 <= scale.place(v) <= 1 + 1e-9 for v in _values(found, 0.0, LATE))


def _values(found: Sequence[Band], start: float = 0.0, stop: float = math.inf) -> list[float]:
    """Finite values of the medians and bands in a part of the steps, given in shares."""
    last = max(one.median.steps[-1] for one in found)
    return finite(
        value
        for one in found
        for step, *values in zip(
            one.median.steps, one.median.values, one.low, one.high, strict=True
        )
        if start * last <= step < stop * last
        for value in values
    )


def _breaks(plot: Plot, one: Band, view: ArmView) -> None:
    """A cross where a seed's curve stops being a number."""
    for seed in one.seeds:
        stop = seed.breaks_at
        if stop is None:
            continue
        pairs = zip(seed.steps, seed.values, strict=True)
        good = [(s, v) for s, v in pairs if s < stop and math.isfinite(v)]
        if good:
            tip = f"{view.name}: not finite from step {stop:,}"
            plot.cross(*good[-1], f"{view.style} {view.key}", tip)


def _ends(plot: Plot, found: Sequence[Band], views: Mapping[str, ArmView]) -> None:
    """A dot, the arm's name and its last value at the end of each line."""
    ends = [(views[one.arm], *end) for one in found if (end := _end(one)) is not None]
    top, _, bottom, _ = plot.margins
    room = plot.height - top - bottom
    places = [room * (1 - plot.y.clamped(value)) for _, _, value in ends]
    decimals = end_decimals([value for _, _, value in ends])
    for (view, step, value), place, moved in zip(ends, places, spread(places, room), strict=True):
        style = f"{view.style} {view.key}"
        plot.dot(step, value, f"end {style}", 4)
        if len(ends) <= MOST_LABELS:
            words = f"{shorten(view.name, LABEL_COLUMNS)} {raised(score(value, decimals))}"
            plot.word(plot.x.high, value, words, f"arm-word {style}", dx=12, dy=4 + moved - place)


def end_decimals(values: Sequence[float]) -> int | None:
    """Decimals that show the last values alike; None where the small ones would vanish.

    >>> end_decimals([0.95, 0.9]), end_decimals([2.3, 0.004])
    (3, None)
    """
    sizes = [abs(v) for v in values if v]
    if sizes and max(sizes) > MOST_ALIKE * min(sizes):
        return None
    return decimals_for(values)


def _end(one: Band) -> tuple[int, float] | None:
    """The last step with a finite median, and that median."""
    pairs = zip(reversed(one.median.steps), reversed(one.median.values), strict=True)
    return next(((s, v) for s, v in pairs if math.isfinite(v)), None)
