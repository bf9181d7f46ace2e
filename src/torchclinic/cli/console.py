"""What all commands share: settings, progress on stderr, errors without tracebacks."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import typer

from torchclinic.core.errors import OutputError, TorchclinicError

P = ParamSpec("P")
R = TypeVar("R")

BROKEN = 70  # an error that nobody raised on purpose
INTERRUPTED = 130  # what a shell expects after Ctrl-C


@dataclass
class Settings:
    """Flags given before the command."""

    quiet: bool = False
    debug: bool = False


settings = Settings()


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a typed error into two lines on stderr and its exit code; `--debug` lets it through."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TorchclinicError as error:
            if settings.debug:
                raise
            _complain(error.message, error.hint)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            _complain("interrupted", "nothing was written")
            raise typer.Exit(INTERRUPTED) from error
        except typer.Exit:
            raise
        except Exception as error:
            if settings.debug:
                raise
            _complain(
                f"torchclinic itself failed: {type(error).__name__}: {error}",
                "this is a bug; run `torchclinic --debug ...` and report the traceback",
            )
            raise typer.Exit(BROKEN) from error

    return run


def _complain(message: str, hint: str) -> None:
    typer.echo(f"error: {message}", err=True)
    if hint:
        typer.echo(f"  way out: {hint}", err=True)


def _mute(message: str) -> None:
    del message


@contextmanager
def narrating() -> Iterator[Callable[[str], None]]:
    """A narrator: a spinner with the current stage on a terminal, lines otherwise."""
    if settings.quiet:
        yield _mute
    elif sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status("starting", spinner="dots") as status:
            yield status.update
    else:
        yield lambda message: typer.echo(f"- {message}", err=True)


def write_text(text: str, path: str | None) -> None:
    """To the file, or to stdout without one."""
    if path is None:
        typer.echo(text)
        return
    from torchclinic import render

    render.write_text(text + "\n", path)


def check_writable(path: str | None) -> None:
    """Fail before the work, not after it, when `path` cannot be written."""
    if path is None:
        return
    file = Path(path)
    folder = file.parent
    if file.is_dir():
        raise OutputError(f"{path!r} is a folder", hint="give a file name with -o")
    if not folder.is_dir():
        raise OutputError(f"there is no folder {str(folder)!r}", hint="make it, or choose another")
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise OutputError(f"cannot write {path!r}", hint="give another path with -o")
