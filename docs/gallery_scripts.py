"""A script for each experiment of the gallery, as sphinx-gallery wants them: text and code cells.

They lie in `_build/experiments/<topic>/`; sphinx-gallery makes pages, notebooks and thumbnails of
them, `gallery_measured` the claims and pictures on the pages.
"""

from __future__ import annotations

import ast
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from gallery_measured import counts, finished
from gallery_text import escaped, heading

from torchclinic.core import UsageError
from torchclinic.gallery import GALLERY, Result, Settings
from torchclinic.gallery.experiment import Experiment

HERE = Path(__file__).parent
SCRIPTS = HERE / "_build" / "experiments"
PAGES = HERE / "gallery"


@dataclass(frozen=True)
class Topic:
    """A section of the index: the numbers of its experiments, and what they are about."""

    folder: str
    title: str
    numbers: tuple[int, ...]
    text: str


TOPICS = (
    Topic("fading", "Why depth is hard", (1, 2), "What is left of a gradient after some layers."),
    Topic("initialisation", "Initialisation", (3, 4, 5, 6, 7), "The scale to start at."),
    Topic(
        "regularisation", "Regularisation", (8, 9, 10, 11, 20),
        "Penalties, dropout in its forms, and stopping in time.",
    ),
    Topic(
        "normalisation", "Normalisation", (12, 13, 14),
        "Of the inputs, over the batch, and over everything else.",
    ),
    Topic("optimizers", "Optimizers", (15, 16, 17), "With gradients and without."),
    Topic("rates", "Learning rates", (18, 19), "Schedules, warm-up, and the range test."),
    Topic(
        "nets", "Nets, losses, transfer", (21, 22, 23, 24),
        "What nets can draw and keep; and all methods side by side.",
    ),
)  # fmt: skip

FAST = """\
The fast variant: fewer seeds and shorter trainings. ``Settings()`` is the full one, and
# ``Settings(data="mnist")`` that on MNIST."""

INDEX = """\
The experiments of the lectures, by topic. Each is one file on the public API: its page shows what
was measured, says of each claim of the lecture whether it holds, and can be downloaded as script
and as notebook. ``torchclinic gallery`` lists them at the terminal, and ``torchclinic gallery
NAME`` runs one."""

RUN = """
# %%
# Run it
# ------
# {text}
# Pictures and animations are written into a folder of their own.

from pathlib import Path

from torchclinic.gallery.files import write_animation, write_picture
from torchclinic.gallery.style import applied

settings = {settings}
folder = Path("torchclinic-gallery", "{name}")
folder.mkdir(parents=True, exist_ok=True)
with applied():
    outcome = run(settings)
    drawings = [write_picture(picture, folder) for picture in outcome.pictures]
    drawings += [write_animation(animation, folder) for animation in outcome.animations]

for claim in outcome.claims:
    print(f"{{claim.judgement.value:>11}}: {{claim.sentence}}")
    print(f"{{'':13}}{{claim.measure}}: {{claim.value:.4g}}, wanted: {{claim.wanted}}")
"""


def write_scripts() -> None:
    """Write all scripts, and remove pages of those that are gone."""
    shutil.rmtree(SCRIPTS, ignore_errors=True)
    placed = {number: topic for topic in TOPICS for number in topic.numbers}
    for topic in TOPICS:
        (SCRIPTS / topic.folder).mkdir(parents=True)
        _header(SCRIPTS / topic.folder, topic.title, "-", topic.text)
    _header(SCRIPTS, "Gallery", "=", f"{INDEX}\n\n{_verdicts()}")
    for experiment in GALLERY.members():
        topic = placed.get(experiment.number)
        if topic is None:
            raise UsageError(f"experiment {experiment.name} has no topic in {Path(__file__).name}")
        name = experiment.name.replace("-", "_") + ".py"
        (SCRIPTS / topic.folder / name).write_text(script(experiment), "utf-8")
    _prune()


def script(experiment: Experiment) -> str:
    """An experiment as a script with cells: text, the whole, its parts, and a cell that runs it."""
    spec = find_spec(experiment.module)
    assert spec is not None
    assert spec.origin is not None
    code = Path(spec.origin).read_text("utf-8")
    begin, run, rest = _parts(code)
    intro = _docstring(experiment)
    cells = [
        f'{"r" if chr(92) in intro else ""}"""\n{intro}"""\n',
        f"# %%\n# Code\n# ----\n# Imports and constants first.\n\n{begin}\n",
        f"# %%\n# The experiment as a whole; what it calls stands below.\n\n{run}\n",
    ]
    cells += [f"# %%\n# Its parts.\n\n{rest}\n"] if rest else []
    return "\n".join(cells) + _run_cell(experiment)


def _docstring(experiment: Experiment) -> str:
    source = experiment.source.removeprefix("lecture ")
    return "\n".join(
        [
            heading(f"{experiment.number}. {experiment.title}", "=") + escaped(experiment.question),
            "",
            escaped(experiment.text),
            "",
            f"From lecture {escaped(source)}.",
            "",
        ]
    )


def _parts(code: str) -> tuple[str, str, str]:
    """What stands before `run`, `run`, and what stands after it; without the file's docstring."""
    lines, body = code.splitlines(), ast.parse(code).body
    whole = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "run")
    cuts = (body[0].end_lineno, whole.lineno - 1, whole.end_lineno, len(lines))
    parts = [lines[start:end] for start, end in pairwise(cuts)]
    before, run, after = ("\n".join(part).strip("\n") for part in parts)
    return before, run, after


def _run_cell(experiment: Experiment) -> str:
    result = finished(experiment.name)
    settings, text = ("Settings(fast=True)", FAST) if result is None else _as_run(result)
    return RUN.format(settings=settings, text=text, name=experiment.name)


def _as_run(result: Result) -> tuple[str, str]:
    """The settings of a finished run, as code and as text."""
    given = [f'data="{result.data}"'] if result.data != Settings().data else []
    given += ["fast=True"] if result.fast else []
    default = Settings(fast=result.fast).runs
    given += [f"seeds={len(result.seeds)}"] if result.seeds != default else []
    return f"Settings({', '.join(given)})", FAST if result.fast else "In full."


def _header(folder: Path, title: str, underline: str, text: str) -> None:
    (folder / "GALLERY_HEADER.rst").write_text(f"{heading(title, underline)}{text}\n", "utf-8")


def _verdicts() -> str:
    """How many claims hold, if all experiments have been run."""
    results = [finished(name) for name in GALLERY]
    kept = [result for result in results if result is not None]
    return f"{counts(kept)}\n" if kept and len(kept) == len(results) else ""


def _prune() -> None:
    for page in PAGES.glob("*/*.py"):
        if not (SCRIPTS / page.parent.name / page.name).exists():
            for file in page.parent.glob(f"{page.stem}.*"):
                file.unlink()
