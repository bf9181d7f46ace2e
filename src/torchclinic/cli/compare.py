"""`torchclinic compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from torchclinic.cli.console import INTERRUPTED, check_writable, guarded, settings
from torchclinic.cli.options import Data

if TYPE_CHECKING:
    from torchclinic.study import Study

_OWN_FOLDER = ".study"  # what --resume without --store adds to the name of the target


@guarded
def compare(
    target: Annotated[
        str,
        typer.Argument(
            help="study.toml, my_arms.py, my_arms.py:arms or package.module:arms",
            metavar="STUDY",
            show_default=False,
        ),
    ],
    seeds: Annotated[int | None, typer.Option(help="Paired seeds. [default: 10]")] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="auto, sequential, stacked or ray. [default: auto]"),
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Folder that keeps each run as soon as it is finished.")
    ] = None,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume",
            help="Go on with what the folder holds, or refuse one that holds runs.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="HTML report (or .json, .csv).")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="accuracy, mse, r2 or loss.")] = None,
    split: Annotated[str | None, typer.Option(help="Judge on test, validation or train.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Cut runs after so many updates.")] = None,
    budget: Annotated[
        str | None, typer.Option(help='Of the whole study: "2000 steps", 60s or 3x.')
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Arm to compare with. [default: the first]")
    ] = None,
    halving: Annotated[
        int | None, typer.Option(help="Thin out to so many arms by short runs first.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Watch the first run of each arm.")
    ] = False,
    data: Data = None,
) -> None:
    """Compare arms over paired seeds: table, tests, best arm, and what the seeds can show."""
    check_writable(output)
    from torchclinic.cli.study_file import read_study

    flags: dict[str, Any] = {
        "seeds": seeds,
        "engine": engine,
        "address": address,
        "metric": metric,
        "split": split,
        "max_steps": max_steps,
        "budget": budget,
        "baseline": baseline,
        "halving": halving,
        "watch": watch or None,
        "store": _store(target, store, resume),
        "resume": resume,
    }
    asked = read_study(target, data) | {k: v for k, v in flags.items() if v is not None}
    study = _run(asked)
    if output is not None:
        _write(study, output)
    _show(study, output)


def _run(asked: dict[str, Any]) -> Study:
    from torchclinic.study import StudyInterrupted
    from torchclinic.study import compare as compare_arms

    try:
        return compare_arms(asked.pop("arms"), progress=not settings.quiet, **asked)
    except StudyInterrupted as stopped:
        if any(row.n for row in stopped.study.result.rows):
            typer.echo(str(stopped.study.table()))
        kept = asked.get("store")
        way = f"the same command goes on from {kept}" if kept else "give --store to keep runs"
        typer.echo(f"interrupted: {way}", err=True)
        raise typer.Exit(INTERRUPTED) from stopped


def _store(target: str, store: str | None, resume: bool | None) -> str | None:
    """The folder; `--resume` alone means one that is named after the target."""
    if store is not None or not resume:
        return store
    return Path(target.partition(":")[0]).stem + _OWN_FOLDER


def _write(study: Study, output: str) -> None:
    from torchclinic import render

    if Path(output).suffix.lower() == ".csv":
        study.to_csv(output)
    else:
        render.write_study_report(study.result, output)


def _show(study: Study, output: str | None) -> None:
    from torchclinic import render

    typer.echo(render.render_study_text(study.result, report=output))
