"""`torchclinic repair`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from torchclinic.cli.console import check_writable, guarded, narrating
from torchclinic.cli.options import Data, Seed, Target, load

if TYPE_CHECKING:
    from torchclinic.core.recipe import Recipe


@guarded
def repair(
    target: Target,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", help="HTML report (or .json)."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="What the search may spend, in full trainings: 3x. [default: about 15 s]"
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Paired seeds of the proof, 6 or more.")] = 6,
    data: Data = None,
    seed: Seed = 0,
    max_seconds: Annotated[float, typer.Option(help="Cap on the watched run.")] = 60.0,
    engine: Annotated[
        str, typer.Option(help="What runs the arms: sequential, stacked, ray or auto.")
    ] = "sequential",
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster.")] = None,
) -> None:
    """Repair a training that fails, and prove the repair over paired seeds."""
    recipe = load(target, data)
    run(
        recipe,
        output,
        budget=budget,
        seeds=seeds,
        seed=seed,
        max_seconds=max_seconds,
        engine=engine,
        address=address,
    )


def run(recipe: Recipe, output: str | None, **how: Any) -> None:
    """Repair as `torchclinic.repair` does, print the story, write the report.

    Exit code 1 when something stays wrong.
    """
    from torchclinic import clinic, render
    from torchclinic.core.verdict import Outcome

    check_writable(output)
    with narrating() as narrate:
        result = clinic.repair(recipe, narrate=narrate, **how)
    if output is not None:
        result.report(output)
    typer.echo(render.render_repair_text(result, report=output))
    if result.verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_REPAIRED):
        raise typer.Exit(1)
