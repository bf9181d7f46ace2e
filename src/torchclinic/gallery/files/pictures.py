"""Figures as PNG and SVG: the same figure gives the same bytes."""

from __future__ import annotations

from pathlib import Path

from torchclinic.gallery.outcome import Picture
from torchclinic.gallery.result import Drawing


def write_picture(picture: Picture, folder: Path) -> Drawing:
    """Write `<name>.png` and `<name>.svg`, without date and library versions in them."""
    png, svg = f"{picture.name}.png", f"{picture.name}.svg"
    picture.figure.savefig(folder / png, metadata={"Software": None})
    picture.figure.savefig(folder / svg, metadata={"Date": None, "Creator": None})
    return Drawing(picture.name, picture.caption, (png, svg))
