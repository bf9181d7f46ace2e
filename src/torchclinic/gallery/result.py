"""Result: what is left of an experiment on disk, `result.json`, by the schema in `schemas/`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchclinic.core import OutputError, Series
from torchclinic.gallery.claim import Claim, Judgement
from torchclinic.gallery.plain import number, plain

SCHEMA = "torchclinic.gallery/1"
FILE = "result.json"


@dataclass(frozen=True)
class Drawing:
    """A picture or animation that was written.

    Attributes:
        name: Without its ending.
        caption: What is to be seen.
        files: File names in the experiment's folder.
    """

    name: str
    caption: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """One execution of an experiment, as it is written to `result.json`.

    Attributes:
        experiment: Its name.
        number: Its place in the gallery.
        title: One line.
        question: What it asks.
        source: Lecture file and section.
        data: "digits" or "mnist".
        seeds: The seeds.
        fast: Whether it was the fast variant.
        claims: What the lecture says, judged.
        numbers: Everything that was measured.
        series: Curves.
        drawings: Pictures and animations.
        notes: What a reader should know.
        seconds: Wall time.
        versions: Of the libraries.
    """

    experiment: str
    number: int
    title: str
    question: str
    source: str
    data: str
    seeds: tuple[int, ...]
    fast: bool
    claims: tuple[Claim, ...]
    numbers: Mapping[str, float | int | str]
    series: Mapping[str, Series]
    drawings: tuple[Drawing, ...]
    notes: tuple[str, ...]
    seconds: float
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values that carry their schema's name."""
        return {"schema": SCHEMA, **plain(self)}

    def count(self, judgement: Judgement) -> int:
        """How many claims were judged so."""
        return sum(claim.judgement is judgement for claim in self.claims)


def read_result(path: str | os.PathLike[str]) -> Result:
    """The result that a `result.json` holds.

    Args:
        path: The file, or the folder that it is in.

    Raises:
        OutputError: If it is missing or holds something else.
    """
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        document = json.loads(file.read_text("utf-8"))
        if document.pop("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        return _result(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{file} holds no result of the gallery: {error}", hint="run the experiment again"
        ) from error


def _result(document: dict[str, Any]) -> Result:
    fields = dict(document)
    fields["claims"] = tuple(_claim(claim) for claim in document["claims"])
    fields["numbers"] = {name: number(value) for name, value in document["numbers"].items()}
    fields["series"] = {tag: _series(value) for tag, value in document["series"].items()}
    fields["drawings"] = tuple(
        Drawing(d["name"], d["caption"], tuple(d["files"])) for d in document["drawings"]
    )
    fields["seeds"], fields["notes"] = tuple(document["seeds"]), tuple(document["notes"])
    return Result(**fields)


def _claim(document: dict[str, Any]) -> Claim:
    fields = dict(document)
    fields |= {name: number(document[name]) for name in ("value", "low", "high")}
    fields["judgement"] = Judgement(document["judgement"])
    fields["values"] = tuple(float(number(value)) for value in document["values"])
    return Claim(**fields)


def _series(document: dict[str, Any]) -> Series:
    values = tuple(float(number(value)) for value in document["values"])
    return Series(tuple(document["steps"]), values)
