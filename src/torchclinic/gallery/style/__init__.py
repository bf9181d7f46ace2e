"""One visual language for all pictures: light, colour-blind-safe, titles that say the finding."""

from torchclinic.gallery.style.bands import band, label_ends
from torchclinic.gallery.style.colours import (
    COLOURS,
    DIVERGING,
    GRID,
    INK,
    LINE,
    PAPER,
    SEQUENTIAL,
    SOFT,
    colour,
    shades,
)
from torchclinic.gallery.style.dots import dots
from torchclinic.gallery.style.figures import figure, title_panel
from torchclinic.gallery.style.heat import heat
from torchclinic.gallery.style.settings import applied

__all__ = [
    "COLOURS",
    "DIVERGING",
    "GRID",
    "INK",
    "LINE",
    "PAPER",
    "SEQUENTIAL",
    "SOFT",
    "applied",
    "band",
    "colour",
    "dots",
    "figure",
    "heat",
    "label_ends",
    "shades",
    "title_panel",
]
