"""Curves over seeds: the mean, the band from the lowest to the highest seed, and its name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes


def band(
    axes: Axes,
    x: Sequence[float] | np.ndarray,
    runs: Any,
    *,
    label: str = "",
    color: str | None = None,
    **line: Any,
) -> None:
    """Draw the mean of some runs and a band from the lowest to the highest of them.

    Args:
        axes: Where.
        x: The points, shape (points,).
        runs: One row a seed, shape (seeds, points); NaN where a run has ended.
        label: Name of the curve; `label_ends` writes it at its end.
        color: Of line and band.
        **line: For `Axes.plot`.
    """
    values = np.atleast_2d(np.asarray(runs, dtype=float))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # points at which no run is left
        mean, low, high = (f(values, axis=0) for f in (np.nanmean, np.nanmin, np.nanmax))
    (drawn,) = axes.plot(x, mean, label=label, color=color, **line)
    if len(values) > 1:
        axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.16, linewidth=0)


def label_ends(axes: Axes, *, gap: float = 0.055, size: float = 9.5) -> None:
    """Write the name of each labelled line to the right of the axes, in its colour.

    The names take the place of a legend. Those that would lie on one another are moved apart, and
    the figure's layout makes room for them.

    Args:
        axes: Where; its limits are fixed by the call.
        gap: Least distance between two names, as a share of the axis' height.
        size: Of the letters, in points.
    """
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    axes.margins(x=0)
    axes.set_ylim(axes.get_ylim())
    ends = [(_share(axes, line), line) for line in lines]
    placed = sorted((end for end in ends if np.isfinite(end[0])), key=lambda end: end[0])
    heights = _apart([share for share, _ in placed], gap)
    for height, (_, line) in zip(heights, placed, strict=True):
        axes.annotate(
            str(line.get_label()),
            (1, height),
            xycoords=axes.transAxes,
            xytext=(6, 0),
            textcoords="offset points",
            color=line.get_color(),
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


def _share(axes: Axes, line: Any) -> float:
    """Height of a line's last finite point in the axes, 0 at the bottom and 1 at the top."""
    y = np.asarray(line.get_ydata(), dtype=float)
    finite = y[np.isfinite(y)]
    if not len(finite):
        return float("nan")
    shown = axes.transData.transform((0, finite[-1]))[1]
    return float(np.clip(axes.transAxes.inverted().transform((0, shown))[1], 0, 1))


def _apart(heights: list[float], gap: float) -> list[float]:
    """Rising heights, at least `gap` apart and as near to the given ones as a few pushes bring.

    >>> [round(h, 2) for h in _apart([0.5, 0.5], 0.1)]
    [0.45, 0.55]
    """
    placed = np.array(heights)
    for _ in range(200):
        short = gap - np.diff(placed)
        if not (short > 1e-6).any():
            break
        push = np.clip(short, 0, None) / 2
        placed[:-1] -= push
        placed[1:] += push
    return placed.tolist()
