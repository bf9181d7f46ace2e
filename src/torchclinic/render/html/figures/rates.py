"""The curve of a learning-rate range test, with the suggested and the configured rate."""

from __future__ import annotations

import math

from markupsafe import Markup

from torchclinic.core import LRRange
from torchclinic.render.html.plot import Plot
from torchclinic.render.html.scales import Scale, fitted, label
from torchclinic.render.numbers import quantile

CEILING = 1.3  # the axis ends near this share of the starting loss


def drawable(lr_range: LRRange | None) -> bool:
    """Whether there is a curve of at least two rates."""
    return lr_range is not None and len(_points(lr_range)) > 1


def _points(lr_range: LRRange) -> list[tuple[float, float, float, float]]:
    band = len(lr_range.low) == len(lr_range.losses) == len(lr_range.high)
    low = lr_range.low if band else lr_range.losses
    high = lr_range.high if band else lr_range.losses
    found = zip(lr_range.learning_rates, lr_range.losses, low, high, strict=True)
    return [point for point in found if point[0] > 0 and math.isfinite(point[1])]


def rates(lr_range: LRRange, title: str, *, height: int = 310) -> Markup:
    """Smoothed loss against the learning rate."""
    points = _points(lr_range)
    xs, ys, low, high = (list(column) for column in zip(*points, strict=True))
    plot = Plot(
        Scale(min(xs), max(xs), log=True),
        _losses(ys),
        title=title,
        height=height,
        margins=(14, 20, 40, 50),
    )
    plot.axes("learning rate, log scale", x_label=label)
    plot.band(xs, low, high, "band after")
    plot.line(xs, ys, "median after")
    plot.hover("loss", xs, ys)
    _marks(plot, lr_range)
    return plot.render("learning rate")


def _losses(ys: list[float]) -> Scale:
    """The start and the valley in full; the blow-up leaves the plot at its top."""
    low = min(ys)
    start = quantile(ys[: max(1, len(ys) // 5)], 0.5)
    top = max(start + (CEILING - 1) * abs(start), start + 0.1 * abs(start - low))
    return fitted([y for y in ys if y <= top] or ys, log=False, pad=0.1)


def _marks(plot: Plot, lr_range: LRRange) -> None:
    marks = [("configured", lr_range.configured, "before")]
    marks += [
        (name, rate, "after" if rate == lr_range.suggestion else "other")
        for name, rate in lr_range.suggestions.items()
    ]
    marks.append(("diverges", lr_range.divergence, "other"))
    shown = [(n, r, c) for n, r, c in marks if r is not None and r > 0 and math.isfinite(r)]
    inside = [mark for mark in shown if 0 <= plot.x.place(mark[1]) <= 1]
    for row, (name, rate, class_) in enumerate(sorted(inside, key=lambda mark: mark[1])):
        plot.mark(rate, f"{name} {label(rate)}", class_, row=row, end=plot.x.place(rate) > 0.6)
