"""One row a name: every seed as a dot, their mean as a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from torchclinic.gallery.style.colours import colour


def dots(
    axes: Axes,
    rows: Mapping[str, Sequence[float]],
    *,
    colours: Mapping[str, str] | None = None,
    text: str = "{:.3f}",
) -> None:
    """Draw the values of each name: a dot for each seed and a mark and a number for their mean.

    Args:
        axes: Where.
        rows: Name -> one value a seed, from top to bottom.
        colours: Name -> colour.
        text: Format of the mean that is written beside the row; "" for none.
    """
    names = list(rows)
    for place, name in enumerate(names):
        values = np.asarray(rows[name], dtype=float)
        shade = (colours or {}).get(name, colour(place))
        axes.scatter(values, np.full(len(values), place), s=34, color=shade, alpha=0.45, lw=0)
        if not np.isfinite(values).any():
            continue
        mean = float(np.nanmean(values))
        axes.plot([mean, mean], [place - 0.3, place + 0.3], color=shade, lw=2.6)
        if text:
            axes.annotate(
                text.format(mean), (1.0, place), xycoords=axes.get_yaxis_transform(),
                xytext=(6, 0), textcoords="offset points", va="center", color=shade, fontsize=9.5,
            )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
