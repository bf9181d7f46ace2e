"""study.json: what a study's folder holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torchclinic.core import DataError, UsageError
from torchclinic.core.history import SplitName
from torchclinic.study.store.text import to_text

FILE = "study.json"
_FORMAT, VERSION = "torchclinic study", 1
_KEYS = {"arms": "name", "earlier": "folder"}  # what each arm is listed under


@dataclass(frozen=True)
class StoredArm:
    """An arm in the folder.

    Attributes:
        name: Its name.
        folder: Where its runs lie, under runs/.
        changes: What sets it apart from the base recipe.
        note: Why it has no runs, if it was left out.
        facts: What decides its numbers, by which a changed recipe is noticed.
    """

    name: str
    folder: str
    changes: str = ""
    note: str = ""
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Manifest:
    """The content of study.json.

    Attributes:
        name: Name of the study.
        metric: What arms are judged by.
        higher_is_better: Its direction.
        split: What it is measured on.
        seeds: The seeds.
        baseline: Name of the baseline.
        confidence: Of intervals and tests.
        arms: The arms in order.
        earlier: Arms whose recipe has changed since, and runs of which are still there.
        meta: Facts for the record.
        notes: What a reader must know.
    """

    name: str
    metric: str
    higher_is_better: bool
    split: SplitName
    seeds: tuple[int, ...]
    baseline: str
    confidence: float
    arms: tuple[StoredArm, ...]
    earlier: tuple[StoredArm, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """As JSON."""
        plain: dict[str, Any] = {"format": _FORMAT, "version": VERSION, **asdict(self)}
        for part, key in _KEYS.items():
            plain[part] = {arm.pop(key): arm for arm in plain[part]}
        return to_text(plain) + "\n"


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a study's folder; None when there is none yet.

    Raises:
        DataError: If it is damaged.
        UsageError: If it is of another kind or version.
    """
    path = folder / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error}",
            hint="delete it: the runs beside it are kept and found again",
        ) from error
    if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
        raise UsageError(f"{str(path)!r} is no study of torchclinic", hint="choose another folder")
    if found.pop("version", None) != VERSION:
        raise UsageError(
            f"{str(path)!r} was written by another version of torchclinic",
            hint="choose another folder",
        )
    try:
        for part, key in _KEYS.items():
            arms = found[part].items()
            found[part] = tuple(StoredArm(**{key: value}, **arm) for value, arm in arms)
        found["seeds"] = tuple(found["seeds"])
        found["notes"] = tuple(found["notes"])
        return Manifest(**found)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{str(path)!r} is damaged: {error}",
            hint="delete it: the runs beside it are kept and found again",
        ) from error
