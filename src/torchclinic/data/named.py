"""Data sets by the names that a command line takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torchclinic.core import DataError, Splits
from torchclinic.data.csv_file import load_csv
from torchclinic.data.digits import digits
from torchclinic.data.mnist import fashion_mnist, mnist
from torchclinic.data.noisy_line import noisy_line
from torchclinic.data.npz_file import load_npz
from torchclinic.data.plane import blobs, circles, moons, spirals

NAMED: dict[str, Callable[[], Splits]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "noisy-line": noisy_line,
    "moons": moons,
    "circles": circles,
    "blobs": blobs,
    "spirals": spirals,
}


def load_named(name: str) -> Splits:
    """A data set by name, or from a `.npz` or `.csv` file.

    Args:
        name: One of the known names, or a path.

    Raises:
        DataError: On an unknown name, or when the data cannot be had.

    >>> load_named("digits").name
    'digits'
    """
    if name in NAMED:
        return NAMED[name]()
    loaders = {".npz": load_npz, ".csv": load_csv}
    loader = loaders.get(Path(name).suffix)
    if loader is None:
        raise DataError(
            f"there is no data set {name!r}",
            hint=f"known: {', '.join(NAMED)}, or the path of a .npz or .csv file",
        )
    return loader(name)
