"""Where things lie in a study's folder, and how they are read."""

from __future__ import annotations

import json
import re
from pathlib import Path

from torchclinic.core import DataError, Trace
from torchclinic.engine import ArmRun
from torchclinic.study.store.claims import Slot
from torchclinic.study.store.records import from_record

_SLUG = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 40


def folder_name(arm: str, code: str) -> str:
    """Name of an arm's folder: what is left of its name, and the hash of its recipe.

    >>> folder_name("ReLU + BN", "1a2b3c4d5e")
    'relu-bn-1a2b3c4d5e'
    """
    slug = _SLUG.sub("-", arm.lower()).strip("-")[:_LONGEST_SLUG].strip("-")
    return f"{slug or 'arm'}-{code}"


def file_of(folder: Path, slot: Slot, ending: str) -> Path:
    """The file of a run: its record (".json"), its trace (".trace") or why it failed."""
    return folder / "runs" / slot[0] / f"seed-{slot[1]}{ending}"


def read_run(folder: Path, slot: Slot) -> ArmRun | None:
    """A run in a study's folder, without its trace; None when it is not there.

    Raises:
        DataError: If the file was damaged.
    """
    path = file_of(folder, slot, ".json")
    try:
        return from_record(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error}", hint="delete it: that run is made again"
        ) from error


def read_trace(folder: Path, slot: Slot) -> Trace | None:
    """The readings of a run in a study's folder, if it was watched.

    Raises:
        TraceError: If the file was damaged.
    """
    from torchclinic.watch import load_trace

    path = file_of(folder, slot, ".trace")
    return load_trace(path) if path.exists() else None
