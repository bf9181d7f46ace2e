"""What an experiment gives back: pictures, animations, numbers, series and claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torchclinic.gallery.claim import Claim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from torchclinic.core import Series


@dataclass(frozen=True)
class Picture:
    """A figure to be written as PNG and SVG.

    Attributes:
        name: File name without its ending.
        figure: Drawn with `gallery.style`.
        caption: What is to be seen, one or two sentences.
    """

    name: str
    figure: Figure
    caption: str


@dataclass(frozen=True)
class Animation:
    """A figure and what changes in it from frame to frame, to be written as GIF.

    Attributes:
        name: File name without its ending.
        figure: Drawn with `gallery.style`; its last frame is also written as PNG.
        draw: `draw(frame)` changes the figure to that frame, from 0.
        frames: How many there are.
        caption: What is to be seen.
        per_second: Frames a second.
    """

    name: str
    figure: Figure
    draw: Callable[[int], None]
    frames: int
    caption: str
    per_second: int = 12


@dataclass(frozen=True)
class Outcome:
    """What one execution of an experiment found.

    Attributes:
        claims: The lecture's sentences, judged.
        numbers: Name -> value, flat: everything that was measured.
        pictures: The first one stands for the experiment on the index page.
        animations: As GIF.
        series: Tag ("accuracy/3 layers") -> values by step, for TensorBoard and `result.json`.
        notes: What a reader should know about this execution.
    """

    claims: tuple[Claim, ...]
    numbers: Mapping[str, float | int | str]
    pictures: tuple[Picture, ...] = ()
    animations: tuple[Animation, ...] = ()
    series: Mapping[str, Series] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
