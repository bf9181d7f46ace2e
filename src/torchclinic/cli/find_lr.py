"""`torchclinic find-lr`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from torchclinic.cli.console import guarded, narrating
from torchclinic.cli.options import Data, Target, load


class Method(StrEnum):
    """How `lr_range_test` goes up."""

    RAMP = "ramp"
    FRESH = "fresh"


@guarded
def find_lr(
    target: Target,
    data: Data = None,
    seeds: Annotated[int, typer.Option(help="Seeds of the band.")] = 3,
    method: Annotated[
        Method, typer.Option(help="One model at rising rates, or a fresh model at each rate.")
    ] = Method.RAMP,
) -> None:
    """Test a range of learning rates and suggest one. Exit code 1 without a suggestion."""
    from torchclinic import render, study

    recipe = load(target, data)
    with narrating() as narrate:
        narrate("testing the range of learning rates")
        result = study.lr_range_test(recipe, seeds=seeds, method=method.value)
    typer.echo(render.render_lr_range_text(result))
    if result.suggestion is None:
        raise typer.Exit(1)
