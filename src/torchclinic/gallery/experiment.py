"""Experiment: what its file says of itself, and its `run`, imported only when it is called."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from torchclinic.core import UsageError
from torchclinic.gallery.outcome import Outcome
from torchclinic.gallery.settings import Settings

FIELD = re.compile(r"^:(\w+):[ \t]*(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
FIELDS = ("number", "question", "source", "minutes")


@dataclass(frozen=True)
class Experiment:
    """One experiment of the specification.

    Its file begins with a docstring: the title as first line, then the fields `:number:`,
    `:question:`, `:source:` and `:minutes:`, then text. The file is read, not imported, until it is
    run, so that a list of all experiments needs neither torch nor matplotlib.

    Attributes:
        name: The file's name with dashes.
        number: Its place in the gallery.
        title: One line.
        question: What it asks.
        source: Lecture file and section.
        minutes: About what it takes in full on MNIST, on one core.
        text: The rest of the docstring.
        module: Where `run` is.
    """

    name: str
    number: int
    title: str
    question: str
    source: str
    minutes: float
    text: str
    module: str

    def run(self, settings: Settings) -> Outcome:
        """Run it; `gallery.run_experiment` also writes what comes of it."""
        return import_module(self.module).run(settings)


def read_experiment(path: Path, package: str) -> Experiment:
    """The experiment that a file holds.

    Args:
        path: A Python file.
        package: Its package.

    Raises:
        UsageError: If the docstring lacks a field.
    """
    doc = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    title, _, rest = doc.partition("\n")
    fields = {name: " ".join(value.split()) for name, value in FIELD.findall(rest)}
    for name in FIELDS:
        if not fields.get(name):
            raise UsageError(f"the docstring of {path.name} has no field :{name}:")
    return Experiment(
        name=path.stem.replace("_", "-"),
        number=int(fields["number"]),
        title=title.strip().rstrip("."),
        question=fields["question"],
        source=fields["source"],
        minutes=float(fields["minutes"]),
        text=FIELD.sub("", rest).strip(),
        module=f"{package}.{path.stem}",
    )
