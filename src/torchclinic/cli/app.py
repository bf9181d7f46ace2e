"""The command line: one typer application, one module a command."""

from __future__ import annotations

from typing import Annotated

import typer

from torchclinic.cli import compare, demo, diagnose, find_lr, gallery, repair, rules
from torchclinic.cli.console import settings

app = typer.Typer(
    name="torchclinic",
    help="Says why a PyTorch training fails, repairs it, and proves the repair.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("diagnose")(diagnose.diagnose)
app.command("repair")(repair.repair)
app.command("compare")(compare.compare)
app.command("find-lr")(find_lr.find_lr)
app.command("gallery")(gallery.gallery)
app.command("rules")(rules.rules)
app.command("explain")(rules.explain)
app.command("remedies")(rules.remedies)


def _version(wanted: bool) -> None:
    if wanted:
        from torchclinic import __version__

        typer.echo(f"torchclinic {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Tracebacks for errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version
    settings.quiet = quiet
    settings.debug = debug


def main() -> None:
    """Entry point. Exit codes: 0 clean, 1 findings, 2 wrong use or a training that cannot run."""
    app()
