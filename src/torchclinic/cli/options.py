"""Arguments and options that several commands have."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from torchclinic.core.recipe import Recipe

Target = Annotated[
    str,
    typer.Argument(
        help="my_training.py, my_training.py:recipe or package.module:recipe",
        metavar="TRAINING",
        show_default=False,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Train on this data instead: digits, mnist, fashion-mnist, a .npz or a .csv.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")]


class Format(str, Enum):
    """Output formats."""

    CONSOLE = "console"
    JSON = "json"
    HTML = "html"


class FailOn(str, Enum):
    """From which level on findings make the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


def load(target: str, data: str | None) -> Recipe:
    """The recipe that the command line names, on the data that it names."""
    from torchclinic.clinic import load_recipe
    from torchclinic.data import load_named

    recipe = load_recipe(target)
    return recipe if data is None else recipe.replace(data=load_named(data))
