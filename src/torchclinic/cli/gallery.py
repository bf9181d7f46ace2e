"""`torchclinic gallery`: the experiments of the lectures."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from torchclinic.cli.console import INTERRUPTED, guarded, settings
from torchclinic.cli.ticker import Ticker
from torchclinic.core.errors import UsageError

if TYPE_CHECKING:
    from torchclinic.gallery import Failure, Result, Settings

FAILED = 1


class GalleryData(str, Enum):
    """Data of the experiments."""

    DIGITS = "digits"
    MNIST = "mnist"


@guarded
def gallery(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Which experiment; none lists them all."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run all, and write an index page.")] = False,
    data: Annotated[
        GalleryData, typer.Option(help="digits are embedded; mnist takes its IDX files.")
    ] = GalleryData.DIGITS,
    seeds: Annotated[
        int | None, typer.Option(help="Seeds of each arm; 5, or 3 with --fast.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Smaller and shorter.")] = False,
    parallel: Annotated[
        int | None,
        typer.Option("-j", "--parallel", help="Experiments at a time with --all; one a core."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="With --all, keep what the folder has of these settings."),
    ] = False,
    output: Annotated[
        str, typer.Option("-o", "--output", help="Folder for pictures and numbers.")
    ] = "torchclinic-gallery",
) -> None:
    """List the experiments of the lectures, or run one, or all of them."""
    from torchclinic.gallery import GALLERY, Settings
    from torchclinic.gallery.text import listing

    if name is not None and every:
        raise UsageError(f"both {name!r} and --all are given", hint="give one of them")
    if not every and (parallel is not None or resume):
        raise UsageError("--parallel and --resume are for --all", hint="give --all, or leave them")
    if name is None and not every:
        typer.echo(listing(GALLERY.members()))
        return
    with Ticker(quiet=settings.quiet) as ticker:
        chosen = Settings(data.value, seeds, fast, Path(output), ticker.tell)
        if name is not None:
            _run_one(name, chosen, ticker)
        else:
            _run_all(chosen, ticker, parallel, resume=resume)


def _run_one(name: str, chosen: Settings, ticker: Ticker) -> None:
    from torchclinic.gallery import GALLERY, run_experiment

    _print(run_experiment(GALLERY[name], chosen), chosen, ticker)


def _run_all(chosen: Settings, ticker: Ticker, parallel: int | None, *, resume: bool) -> None:
    from torchclinic.gallery import GALLERY, Failure, run_all
    from torchclinic.gallery.extras import check_extras

    check_extras()
    done = 0

    def after(result: Result | Failure) -> None:
        nonlocal done
        done += 1
        _print(result, chosen, ticker)

    try:
        results = run_all(GALLERY.members(), chosen, after, parallel=parallel, resume=resume)
    except KeyboardInterrupt as error:
        ticker.clear()
        typer.echo(
            f"interrupted: {done} experiments are kept in {chosen.out}; --resume goes on", err=True
        )
        raise typer.Exit(INTERRUPTED) from error
    ticker.clear()
    if len(results) > done:
        typer.echo(f"{len(results) - done} of {len(results)} were kept from an earlier run")
    typer.echo(f"index: {chosen.out / 'index.html'}")
    failed = [result.experiment.name for result in results if isinstance(result, Failure)]
    if failed:
        typer.echo(f"error: {len(failed)} of {len(results)} failed: {', '.join(failed)}", err=True)
        raise typer.Exit(FAILED)


def _print(result: Result | Failure, chosen: Settings, ticker: Ticker) -> None:
    from torchclinic.gallery import Result
    from torchclinic.gallery.text import result_text

    ticker.clear()
    if isinstance(result, Result):
        typer.echo(result_text(result, str(chosen.out / result.experiment)) + "\n")
        return
    typer.echo(f"error: {result.experiment.name} failed: {result.error}", err=True)
    if settings.debug:
        typer.echo(result.traceback, err=True)
