"""Animations as GIF, with their last frame as PNG for those who want no motion."""

from __future__ import annotations

import tempfile
from pathlib import Path

from torchclinic.gallery.outcome import Animation
from torchclinic.gallery.result import Drawing

DPI = 80
HOLD = 1.0  # seconds for which the last frame stands still


def write_animation(animation: Animation, folder: Path) -> Drawing:
    """Write `<name>.gif` and `<name>.png`, the last frame."""
    from matplotlib.animation import PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    gif, png = f"{animation.name}.gif", f"{animation.name}.png"
    drawn = animation.figure
    FigureCanvasAgg(drawn)
    animation.draw(animation.frames - 1)
    drawn.savefig(folder / png, metadata={"Software": None})
    drawn.set_layout_engine("none")  # the panels stay where they are, and frames cost half
    order = [*range(animation.frames)]
    order += [animation.frames - 1] * round(HOLD * animation.per_second)

    writer = PillowWriter(fps=animation.per_second)
    with tempfile.TemporaryDirectory(dir=folder) as apart:
        unfinished = Path(apart) / gif
        with writer.saving(drawn, str(unfinished), DPI):  # FuncAnimation would draw all twice
            for frame in order:
                animation.draw(frame)
                writer.grab_frame()
        unfinished.replace(folder / gif)
    return Drawing(animation.name, animation.caption, (gif, png))
