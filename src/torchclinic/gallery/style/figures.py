"""A figure with its finding on top."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from torchclinic.gallery.style.colours import INK, SOFT

TITLE, SUBTITLE = 14.5, 10.5  # points
TITLE_EM, SUBTITLE_EM = 0.62, 0.545  # mean width of a letter, bold and regular, in ems
PAD, GAP = 0.14, 0.16  # inches
LEADING = 1.32


def figure(
    title: str,
    subtitle: str = "",
    *,
    rows: int = 1,
    columns: int = 1,
    width: float = 10.0,
    height: float = 4.4,
    **layout: Any,
) -> tuple[Figure, np.ndarray]:
    """A figure and its panels; title and subtitle are wrapped to its width.

    Args:
        title: The finding, as a sentence.
        subtitle: What is drawn, on which data, over how many seeds.
        rows: Of panels.
        columns: Of panels.
        width: In inches.
        height: Of the panels, in inches; the titles get their room on top of it.
        **layout: For `Figure.subplots`, such as `sharey=True`.

    Returns:
        The figure and its axes, always as a (rows, columns) array.
    """
    above = _lines(title, width, TITLE * TITLE_EM)
    below = _lines(subtitle, width, SUBTITLE * SUBTITLE_EM)
    head = PAD + _height(above, TITLE) + _height(below, SUBTITLE) + GAP
    total = height + head
    drawn = Figure(figsize=(width, total), layout="constrained")
    engine = drawn.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0, 0, 1, height / total), w_pad=0.1, h_pad=0.1)  # type: ignore[call-arg]
    x = PAD / width
    drawn.text(
        x, 1 - PAD / total, "\n".join(above), fontsize=TITLE, fontweight="bold", color=INK,
        va="top", linespacing=LEADING,
    )  # fmt: skip
    drawn.text(
        x, 1 - (PAD + _height(above, TITLE) + 0.03) / total, "\n".join(below),
        fontsize=SUBTITLE, color=SOFT, va="top", linespacing=LEADING,
    )  # fmt: skip
    return drawn, drawn.subplots(rows, columns, squeeze=False, **layout)


def title_panel(
    axes: Axes, title: str = "", *, x: str = "", y: str = "", whole: bool = False
) -> Axes:
    """Title and axis labels of one panel.

    Args:
        axes: The panel.
        title: Its title.
        x: What its horizontal axis counts.
        y: What its vertical axis measures.
        whole: Whether the horizontal axis counts something, such as layers.
    """
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if whole:
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    return axes


def _lines(text: str, width: float, letter: float) -> list[str]:
    room = int((width - 2 * PAD) * 72 / letter)
    return [line for part in text.splitlines() for line in textwrap.wrap(part, room)]


def _height(lines: list[str], size: float) -> float:
    return len(lines) * size * LEADING / 72
