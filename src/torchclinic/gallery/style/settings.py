"""matplotlib's settings while an experiment draws."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from cycler import cycler

from torchclinic.gallery.style.colours import COLOURS, GRID, INK, LINE, PAPER, SOFT

SETTINGS: Any = {
    "figure.facecolor": PAPER,
    "figure.dpi": 120,
    "savefig.dpi": 120,
    "savefig.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "text.color": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 10.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.titlepad": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=list(COLOURS.values())),
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.9,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "image.interpolation": "nearest",
    "image.cmap": "viridis",
    "svg.hashsalt": "torchclinic",  # the same picture gives the same bytes
    "svg.fonttype": "path",
    "path.simplify": True,
}


def applied() -> AbstractContextManager[None]:
    """Inside, matplotlib draws in the gallery's style; on exit its settings are as before.

    >>> with applied():
    ...     mpl.rcParams["svg.hashsalt"]
    'torchclinic'
    """
    return mpl.rc_context(SETTINGS)
