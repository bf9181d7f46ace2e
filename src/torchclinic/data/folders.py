"""Where data files are looked for, and where downloads are kept."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "TORCHCLINIC_DATA"


def data_folders(name: str) -> tuple[Path, ...]:
    """Folders that may hold the data set `name`, in the order in which they are searched.

    >>> data_folders("mnist")[-1].name
    'mnist'
    """
    own = os.environ.get(VARIABLE)
    given = (Path(own).expanduser() / name, Path(own).expanduser()) if own else ()
    return (*given, cache_folder(name))


def cache_folder(name: str) -> Path:
    """Folder of the user's cache for the data set `name`.

    >>> cache_folder("mnist").parent.name
    'torchclinic'
    """
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "torchclinic" / name
