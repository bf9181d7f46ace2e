"""Rows with marks on one shared horizontal axis: seeds, layers, arms and evidence look alike."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from torchclinic.render.html.scales import Scale, label
from torchclinic.render.html.svg import percent, tag
from torchclinic.render.words import printable

Kind = Literal["dot", "small", "ring", "diamond", "square", "cross", "tick", "range", "zone"]
ROW_HEIGHT = 26
SHAPES = {
    "diamond": "M0-5.5L5.5 0L0 5.5L-5.5 0Z",
    "square": "M-4-4H4V4H-4Z",
    "cross": "M-4-4L4 4M-4 4L4-4",
}


@dataclass(frozen=True)
class Mark:
    """One mark of a row.

    Attributes:
        kind: Its shape; "range" and "zone" reach from `value` to `to`.
        value: Where it stands.
        class_: What it is, for its colour ("before", "after", "control").
        to: The other end of a range or zone.
        tip: What the pointer reads.
    """

    kind: Kind
    value: float
    class_: str = ""
    to: float = math.nan
    tip: str = ""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        label: What it is.
        marks: Drawn in order.
        notes: Texts of the columns at the right.
        sub: Small text under the label.
        detail: More of it, left out where there is little room.
        tip: The label in full.
        badge: A word beside the label.
        class_: Of the row.
    """

    label: str
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()
    sub: str = ""
    detail: str = ""
    tip: str = ""
    badge: str = ""
    class_: str = ""


@dataclass(frozen=True)
class Axis:
    """The axis that all rows share.

    Attributes:
        scale: Value to place.
        name: What it measures.
        reference: Where a dashed line runs through all rows, or None.
        tick_label: How its values are written.
    """

    scale: Scale
    name: str
    reference: float | None = None
    tick_label: Callable[[float], str] = label


def strips(
    rows: Sequence[Row],
    axis: Axis,
    *,
    title: str,
    head: str,
    columns: Sequence[str] = (),
    height: int = ROW_HEIGHT,
) -> Markup:
    """A table with one drawn column.

    Args:
        rows: The rows.
        axis: The shared axis.
        title: What the table shows, for those who cannot see it.
        head: Heading of the labels.
        columns: Headings of the columns at the right.
        height: Of a row in pixels.
    """
    ticks = axis.scale.ticks(4)
    heads = [
        tag("th", head, scope="col"),
        tag("th", axis.name, scope="col", class_="cell"),
        *(tag("th", name, scope="col", class_="num") for name in columns),
    ]
    body = [_row(row, axis, height, columns) for row in rows]
    body.append(_axis(axis, ticks, len(columns)))
    return tag(
        "table",
        tag("caption", title),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        class_="strips",
        style=_grid(axis.scale, ticks),
        data_scale=json.dumps([axis.scale.low, axis.scale.high, axis.scale.log]),
    )


def _grid(scale: Scale, ticks: Sequence[float]) -> str | None:
    """The vertical lines of all rows, as one background."""
    color = "linear-gradient(var(--grid),var(--grid))"
    lines = [f"{color} {percent(scale.place(value))} 0/1px 100% no-repeat" for value in ticks]
    return f"--lines:{','.join(lines)}" if lines else None


def _row(row: Row, axis: Axis, height: int, columns: Sequence[str]) -> Markup:
    name = [tag("span", printable(row.label), class_="name", title=printable(row.tip) or None)]
    if row.badge:
        name.append(tag("span", row.badge, class_="badge"))
    if row.sub:
        name.append(tag("small", printable(row.sub)))
    if row.detail:
        name.append(tag("small", printable(row.detail), class_="detail"))
    cells = [
        tag("th", *name, scope="row"),
        tag("td", _strip(row, axis), class_="cell", style=f"height:{height}px"),
    ]
    for note, column in zip(row.notes, columns, strict=False):
        cells.append(tag("td", note, class_="num", data_label=column))
    return tag("tr", *cells, class_=row.class_ or None)


def _strip(row: Row, axis: Axis) -> Markup:
    lines: list[Markup] = []
    if axis.reference is not None and 0 <= axis.scale.place(axis.reference) <= 1:
        lines.append(_vertical(axis.scale.place(axis.reference), "reference"))
    marks = [drawn for mark in row.marks if (drawn := _mark(mark, axis.scale)) is not None]
    return tag("svg", *lines, *marks, class_="strip", aria_hidden="true")


def _vertical(share: float, class_: str) -> Markup:
    at = percent(share)
    return tag("line", x1=at, x2=at, y1="0", y2="100%", class_=class_)


def _mark(mark: Mark, scale: Scale) -> Markup | None:
    if not math.isfinite(mark.value):
        return None
    at = scale.clamped(mark.value)
    inner = (tag("title", mark.tip),) if mark.tip else ()
    if mark.kind in ("range", "zone"):
        return _span(mark, at, scale.clamped(mark.to))
    if mark.kind == "tick":
        x = percent(at)
        return tag("line", *inner, x1=x, x2=x, y1="22%", y2="78%", class_=f"mid-tick {mark.class_}")
    if mark.kind in SHAPES:
        shape = tag("path", *inner, d=SHAPES[mark.kind], class_=f"mark-{mark.kind} {mark.class_}")
        return tag("svg", shape, x=percent(at), y="50%", class_="at")
    radius = 3 if mark.kind == "small" else 4.5
    return tag(
        "circle", *inner, cx=percent(at), cy="50%", r=radius, class_=f"{mark.kind} {mark.class_}"
    )


def _span(mark: Mark, start: float, end: float) -> Markup | None:
    if not math.isfinite(end):
        return None
    left, right = min(start, end), max(start, end)
    if mark.kind == "zone":
        width = percent(right - left)
        return tag("rect", x=percent(left), y="0", width=width, height="100%", class_="zone")
    return tag(
        "line",
        x1=percent(left),
        x2=percent(right),
        y1="50%",
        y2="50%",
        class_=f"range {mark.class_}",
    )


def _axis(axis: Axis, ticks: Sequence[float], columns: int) -> Markup:
    words = [
        tag("text", axis.tick_label(v), x=percent(axis.scale.place(v)), y="13", class_="tick mid")
        for v in ticks
    ]
    drawn = tag("svg", *words, class_="strip", aria_hidden="true")
    cells = [tag("td"), tag("td", drawn, class_="cell", style="height:18px")]
    if columns:
        cells.append(tag("td", colspan=columns))
    return tag("tr", *cells, class_="axisrow")
