"""Colours: those of the reports, told apart by people who see no red, no green or no blue."""

from __future__ import annotations

from matplotlib.colors import Colormap, LinearSegmentedColormap

PAPER, CARD, INK, SOFT, LINE, GRID = (
    "#ffffff", "#ffffff", "#1c2126", "#5c656d", "#c9c6bc", "#ebe8e0",
)  # fmt: skip
# Okabe and Ito's blue, vermilion, green, purple, orange and sky, darkened until text reads 4.5:1.
# Source: Okabe and Ito 2008, Color universal design.
COLOURS = {
    "blue": "#0068a6",
    "vermilion": "#b5480f",
    "green": "#00704f",
    "purple": "#7a3e9d",
    "ochre": "#7d6200",
    "rose": "#ad3a73",
    "grey": "#5d6870",
    "black": "#1c2126",
}
SEQUENTIAL: Colormap = LinearSegmentedColormap.from_list(
    "torchclinic",
    ["#f5f0df", "#d2e4d1", "#8fccc4", "#47a0bb", "#2e6da9", "#2a4087", "#231f5c"],
)
DIVERGING: Colormap = LinearSegmentedColormap.from_list(
    "torchclinic-diverging",
    ["#7c2f08", "#b5480f", "#e39a6f", "#f7f5f0", "#79b4da", "#0068a6", "#003d63"],
)


def colour(place: int) -> str:
    """The colour at a place of the palette, which starts again at its end.

    >>> colour(0), colour(8) == colour(0)
    ('#0068a6', True)
    """
    return list(COLOURS.values())[place % len(COLOURS)]


def shades(count: int) -> list[str]:
    """Colours for something that is ordered, such as layers: from light to dark.

    >>> len(set(shades(4)))
    4
    """
    from matplotlib.colors import to_hex

    return [to_hex(SEQUENTIAL(0.5 + 0.5 * i / max(1, count - 1))) for i in range(count)]
