"""A table of numbers as colours, with the numbers in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize

from torchclinic.gallery.style.colours import INK, PAPER, SEQUENTIAL


def heat(
    axes: Axes,
    values: Any,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    text: str = "{:.2f}",
    low: float | None = None,
    high: float | None = None,
    cmap: Colormap = SEQUENTIAL,
) -> None:
    """Draw a table; each cell holds its number in ink or paper, whichever can be read on it.

    Args:
        axes: Where.
        values: Shape (rows, columns); NaN leaves a cell empty.
        rows: Their names.
        columns: Their names.
        text: Format of the numbers; "" for none.
        low: Value of the first colour; the smallest by default.
        high: Value of the last colour; the largest by default.
        cmap: Colours.
    """
    table = np.asarray(values, dtype=float)
    scale = Normalize(
        np.nanmin(table) if low is None else low, np.nanmax(table) if high is None else high
    )
    axes.imshow(table, cmap=cmap, norm=scale, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(table):
        if text and np.isfinite(value):
            red, green, blue, _ = cmap(scale(value))
            light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.55
            axes.text(
                column, row, text.format(value), ha="center", va="center", fontsize=9.5,
                color=INK if light else PAPER,
            )  # fmt: skip
