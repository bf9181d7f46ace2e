"""The curve of a learning-rate range test in characters."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from torchclinic.core import LRRange
from torchclinic.render.console.blocks import dots
from torchclinic.render.console.sheet import Sheet
from torchclinic.render.console.terminal import detect
from torchclinic.render.numbers import quantile
from torchclinic.render.story import rate_sentence
from torchclinic.render.words import number, plural, sentence

HEIGHT = 10
MARGIN = 10  # columns for the loss axis
CEILING = 1.3  # the axis ends at this share of the starting loss: a blow-up would flatten the rest


def render_lr_range_text(
    lr_range: LRRange, width: int = 80, *, color: bool | None = None, unicode: bool | None = None
) -> str:
    """The curve, the suggestions and the configured rate.

    Args:
        lr_range: Result of an LR range test.
        width: Columns.
        color: Whether to use colours; None asks the terminal.
        unicode: Whether to draw with Braille dots; None asks the output's encoding.

    Returns:
        Lines without a final newline.

    >>> print(render_lr_range_text(LRRange(reason="the loss never falls"), color=False))
    Learning-rate range test
      The loss never falls.
    """
    sheet = Sheet(detect(width, color, unicode))
    seeds = f"smoothed loss, mean of {plural(lr_range.seeds, 'seed')}"
    points = _points(lr_range)
    sheet.line(("Learning-rate range test", "bold"), (f"  {seeds}" if points else "", "dim"))
    if points:
        _curve(sheet, lr_range, points)
    sheet.paragraph(sentence(rate_sentence(lr_range)), style="bold")
    for name, rate in lr_range.suggestions.items():
        chosen = rate == lr_range.suggestion
        sheet.line(f"  {name:<14} ", (f"{rate:.3g}", "bold cyan" if chosen else ""))
    if {"descent/6", "minimum/10"} <= lr_range.bounds.keys():
        first, last = lr_range.bounds["descent/6"], lr_range.bounds["minimum/10"]
        sheet.line(f"  {'cyclic between':<14} {first:.3g} and {last:.3g}")
    if lr_range.divergence is not None:
        sheet.line(f"  {'diverges at':<14} {lr_range.divergence:.3g}")
    return sheet.text()


def _points(lr_range: LRRange) -> list[tuple[float, float]]:
    pairs = zip(lr_range.learning_rates, lr_range.losses, strict=True)
    return [(r, v) for r, v in pairs if r > 0 and math.isfinite(v)]


def _curve(sheet: Sheet, lr_range: LRRange, points: list[tuple[float, float]]) -> None:
    losses = [loss for _, loss in points]
    low = min(losses)
    start = quantile(losses[: max(1, len(losses) // 5)], 0.5)
    high = min(max(losses), max(start * CEILING, start + 0.1 * abs(start - low))) or 1.0
    left, right = math.log10(points[0][0]), math.log10(points[-1][0])
    columns = sheet.width - MARGIN - 4

    def across(rate: float) -> float:
        return (math.log10(rate) - left) / (right - left) if right > left else 0.5

    scaled = [(across(r), (v - low) / (high - low) if high > low else 0.5) for r, v in points]
    drawn = dots(_dense(scaled), columns, HEIGHT, unicode=sheet.terminal.unicode)
    for row, text in enumerate(drawn):
        label = {0: number(high), HEIGHT - 1: number(low)}.get(row, "")
        wall = "│" if sheet.terminal.unicode else "|"
        sheet.line(f"{label:>{MARGIN}} ", (wall, "dim"), (text, "cyan"))
    _axis(sheet, lr_range, across, columns)
    ends = number(points[0][0], 2), number(points[-1][0], 2)
    gap = columns - len(ends[0]) - len(ends[1])
    sheet.line(
        " " * (MARGIN + 2), (f"{ends[0]}{'learning rate, log scale':^{gap}}{ends[1]}", "dim")
    )


def _dense(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points with others between them, so that steep parts have no gaps."""
    filled = list(points)
    for (x0, y0), (x1, y1) in pairwise(points):
        filled += [(x0 + (x1 - x0) * i / 8, y0 + (y1 - y0) * i / 8) for i in range(1, 8)]
    return filled


def _axis(sheet: Sheet, lr_range: LRRange, across: Callable[[float], float], columns: int) -> None:
    """A line of marks under the curve: where the rates of interest stand."""
    line = list(("─" if sheet.terminal.unicode else "-") * columns)
    words = []
    up = "▲" if sheet.terminal.unicode else "^"
    marks = [("configured", lr_range.configured, "c"), ("suggested", lr_range.suggestion, up)]
    for name, rate, sign in marks:
        if rate is not None and rate > 0 and 0 <= across(rate) <= 1:
            line[round(across(rate) * (columns - 1))] = sign
            words.append(f"{sign} {name} {number(rate, 2)}")
    corner = "└" if sheet.terminal.unicode else "+"
    sheet.line(" " * (MARGIN + 1), (corner + "".join(line), "dim"))
    if words:
        sheet.line(" " * (MARGIN + 2), "   ".join(words))
