"""One statistic by layer: typical value before against after."""

from __future__ import annotations

import math
from collections.abc import Mapping

from markupsafe import Markup

from torchclinic.render.html.figures.strips import Axis, Mark, Row, strips
from torchclinic.render.html.scales import Scale, fitted, label
from torchclinic.render.layers import LayerRow, Table, labels
from torchclinic.render.numbers import finite
from torchclinic.render.words import number

LABEL_COLUMNS = 20
MOST_ROWS = 40


def profile(shown: Table, title: str, *, compared: bool = True, most: int = MOST_ROWS) -> Markup:
    """One row a layer: a ring before, a dot after, lines over the middle 80 % of the readings.

    Args:
        shown: The statistic of all layers.
        title: The finding, for those who cannot see it.
        compared: Whether there are two sides; a single one has no side's colour.
        most: Rows at most; of a deeper net evenly spread layers are shown.
    """
    arms = [arm for arm in ("before", "after") if shown.has(arm)]
    rows = chosen(shown.rows, most)
    short = labels([row.name for row in shown.rows], LABEL_COLUMNS)
    called = dict(zip([row.name for row in shown.rows], short, strict=True))
    typical = {arm: shown.typical(arm) for arm in arms}
    return strips(
        [_row(shown, row, called[row.name], typical, compared=compared) for row in rows],
        Axis(
            scale(shown),
            shown.statistic.axis + (", log scale" if shown.statistic.log else ""),
            tick_label=label if shown.statistic.log else share,
        ),
        title=title,
        head="layer"
        if len(rows) == len(shown.rows)
        else f"{len(rows)} of {len(shown.rows)} layers",
        columns=arms if compared else ("median",),
    )


def share(value: float) -> str:
    """A share in percent."""
    return f"{number(100 * value, 2)} %"


def scale(shown: Table) -> Scale:
    """The axis of a statistic: all readings for logarithmic ones, 0 to 1 for shares."""
    values = finite(v for row in shown.rows for v in (*row.before.values, *row.after.values))
    if not shown.statistic.log:
        return Scale(0.0, 1.0)
    return fitted([v for v in values if v > 0], log=True)


def chosen(rows: tuple[LayerRow, ...], most: int) -> tuple[LayerRow, ...]:
    """Evenly spread rows, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return tuple(rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most))


def _row(
    shown: Table,
    row: LayerRow,
    name: str,
    typical: Mapping[str, Mapping[str, float]],
    *,
    compared: bool,
) -> Row:
    marks: list[Mark] = []
    write = label if shown.statistic.log else share
    values = [side.get(row.name, math.nan) for side in typical.values()]
    if len(values) == 2:
        marks.append(Mark("range", values[0], "link", values[1]))
    for arm, value in zip(typical, values, strict=True):
        low, high = shown.span(row, arm)
        style = arm if compared else "alone"
        marks.append(Mark("range", low, f"{style} wide", high))
        marks.append(Mark("ring" if style == "before" else "dot", value, style))
    notes = tuple(write(value) if math.isfinite(value) else "–" for value in values)
    added = compared and not len(row.before) and "before" in typical
    return Row(name, tuple(marks), notes, sub=f"{row.kind}, added" if added else "", tip=row.name)
