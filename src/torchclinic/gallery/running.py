"""One experiment from start to its files."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from pathlib import Path

from torchclinic.core import OutputError
from torchclinic.gallery.experiment import Experiment
from torchclinic.gallery.extras import check_extras
from torchclinic.gallery.outcome import Outcome
from torchclinic.gallery.result import FILE, Drawing, Result
from torchclinic.gallery.settings import Settings

LIBRARIES = ("torchclinic", "torch", "numpy", "matplotlib")
DRAWN = 0.9  # share of the progress at which the experiment is done and its files are written


def run_experiment(experiment: Experiment, settings: Settings) -> Result:
    """Run an experiment and write its pictures, TensorBoard log and `result.json`.

    Args:
        experiment: A member of `GALLERY`.
        settings: Data, seeds, where to.

    Returns:
        What is in `result.json`.

    Raises:
        UsageError: If matplotlib or tensorboard is missing.
        OutputError: If the folder cannot be written.
    """
    check_extras()
    from torchclinic.engine.threads import single_thread
    from torchclinic.gallery.style import applied

    folder = _folder(settings.out / experiment.name)
    begun = time.perf_counter()
    with applied(), single_thread():  # small nets lose time to a second thread
        outcome = experiment.run(_inner(settings))
        drawings = _draw(outcome, folder, settings)
    result = _result(experiment, settings, outcome, drawings, time.perf_counter() - begun)
    _write(result, folder)
    settings.tell(1.0, "done")
    return result


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide what comes out."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _inner(settings: Settings) -> Settings:
    """The same settings, for the share of the progress that the experiment itself has."""
    from dataclasses import replace

    return replace(settings, tell=lambda share, what: settings.tell(DRAWN * share, what))


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {path} cannot be made: {error.strerror or error}",
            hint="give another with -o",
        ) from error
    return path


def _draw(outcome: Outcome, folder: Path, settings: Settings) -> tuple[Drawing, ...]:
    from torchclinic.gallery.files import write_animation, write_log, write_picture

    settings.tell(DRAWN, "drawing")
    drawings = [write_picture(picture, folder) for picture in outcome.pictures]
    drawings += [write_animation(animation, folder) for animation in outcome.animations]
    stills = {d.name: folder / file for d in drawings for file in d.files if file.endswith(".png")}
    write_log(outcome, folder, stills)
    return tuple(drawings)


def _result(
    experiment: Experiment,
    settings: Settings,
    outcome: Outcome,
    drawings: tuple[Drawing, ...],
    seconds: float,
) -> Result:
    return Result(
        experiment=experiment.name,
        number=experiment.number,
        title=experiment.title,
        question=experiment.question,
        source=experiment.source,
        data=settings.data,
        seeds=settings.runs,
        fast=settings.fast,
        claims=outcome.claims,
        numbers=dict(outcome.numbers),
        series=dict(outcome.series),
        drawings=drawings,
        notes=outcome.notes,
        seconds=seconds,
        versions=versions(),
    )


def _write(result: Result, folder: Path) -> None:
    from torchclinic.render import to_json, write_text

    write_text(to_json(result.to_dict()) + "\n", folder / FILE)
