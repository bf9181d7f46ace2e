"""One statistic of every layer over time, as a heat map."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from markupsafe import Markup

from torchclinic.core import Series, TracedLayer
from torchclinic.render.html.scales import Scale, count_label, label
from torchclinic.render.html.svg import percent, tag
from torchclinic.render.layers import labels
from torchclinic.render.words import printable

BINS = 24  # colours of the scale
MOST_COLUMNS, MOST_ROWS = 48, 64
LABEL_COLUMNS = 14
LABEL_HEIGHT = 13.0  # pixels that a row label needs


def heat(
    layers: Sequence[TracedLayer],
    statistic: str,
    scale: Scale,
    *,
    title: str,
    source: Sequence[str | int],
    columns: int = MOST_COLUMNS,
) -> Markup:
    """A row a layer, a column a reading.

    Args:
        layers: All layers of the trace, in forward order; those without the statistic are left out.
        statistic: Its name.
        scale: Value to colour; the maps before and after share it.
        title: The finding, for those who cannot see it.
        source: Path of the trace in the embedded document, for reading out values.
        columns: Readings at most; evenly spread ones are shown.
    """
    read = [place for place, layer in enumerate(layers) if len(layer[statistic])]
    steps = _pick(sorted({step for i in read for step in layers[i][statistic].steps}), columns)
    rows = _pick(read, MOST_ROWS)
    grid = [_along(layers[row][statistic], steps) for row in rows]
    height = round(min(460.0, max(26.0 * len(rows), 52.0)))
    layer = tag(
        "svg",
        *_cells(grid, scale),
        class_="cells",
        viewBox=f"0 0 {len(steps)} {len(rows)}",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
        aria_hidden="true",
    )
    short = labels([printable(layers[row].name) for row in read], LABEL_COLUMNS)
    called = dict(zip(read, short, strict=True))
    words = _row_labels([called[row] for row in rows], height) + _step_labels(steps)
    frame = tag("rect", width="100%", height="100%", class_="frame")
    svg = tag(
        "svg", layer, frame, *words, role="img", aria_label=title, width="100%", height="100%"
    )
    data = {"source": list(source), "statistic": statistic, "steps": steps, "layers": rows}
    return tag(
        "div",
        svg,
        class_="plot heat",
        style=f"height:{height + 40}px",
        tabindex="0",
        data_heat=json.dumps(data, separators=(",", ":")),
    )


def _pick(items: list[int], most: int) -> list[int]:
    if len(items) <= most:
        return items
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _along(series: Series, steps: Sequence[int]) -> list[float | None]:
    """The value of a series at each step, None where it was not read."""
    known = dict(zip(series.steps, series.values, strict=True))
    return [known.get(step) for step in steps]


def color(value: float, scale: Scale) -> str:
    """Class of a value's colour."""
    if not math.isfinite(value):
        return "hx"
    return f"h{min(BINS - 1, int(scale.clamped(value) * BINS))}"


def _cells(grid: Sequence[Sequence[float | None]], scale: Scale) -> list[Markup]:
    """One path a colour; equal neighbours in a row are one cell."""
    paths: dict[str, list[str]] = {}
    for y, row in enumerate(grid):
        colors = [None if value is None else color(value, scale) for value in row]
        x = 0
        while x < len(colors):
            end = x + 1
            while end < len(colors) and colors[end] == colors[x]:
                end += 1
            name = colors[x]
            if name is not None:
                paths.setdefault(name, []).append(f"M{x} {y}h{end - x}v1h-{end - x}z")
            x = end
    return [tag("path", d="".join(parts), class_=name) for name, parts in sorted(paths.items())]


def _row_labels(names: Sequence[str], height: int) -> list[Markup]:
    every = max(1, math.ceil(LABEL_HEIGHT * len(names) / height))
    last = len(names) - 1
    found = []
    for place, name in enumerate(names):
        if place % every and place != last:
            continue
        if place != last and last - place < every and every > 1:
            continue  # would touch the last label
        y = percent((place + 0.5) / len(names))
        found.append(tag("text", name, x="0", y=y, dx=-8, dy=4, class_="tick end"))
    return found


def _step_labels(steps: Sequence[int]) -> list[Markup]:
    if not steps:
        return []
    places = sorted({round(i * (len(steps) - 1) / 3) for i in range(4)})
    words = [
        tag(
            "text",
            count_label(steps[place]),
            x=percent((place + 0.5) / len(steps)),
            y="100%",
            dy=17,
            class_="tick mid",
        )
        for place in places
    ]
    return [*words, tag("text", "step", x="0", y="100%", dx=-8, dy=17, class_="tick end soft")]


def legend(scale: Scale, axis: str, *, broken: bool) -> Markup:
    """The colour scale with its numbers, and words for what is not a number."""
    swatches = [tag("i", class_=f"h{i}") for i in range(BINS)]
    words = [
        tag("span", label(scale.low), class_="low"),
        tag("span", *swatches, class_="ramp", aria_hidden="true"),
        tag("span", label(scale.high), class_="high"),
        tag("span", axis + (", log colours" if scale.log else ""), class_="soft"),
    ]
    if broken:
        words.append(tag("span", tag("i", class_="hx"), " NaN or infinite", class_="soft"))
    return tag("p", *words, class_="legend heat-legend")
