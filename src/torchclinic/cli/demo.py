"""`torchclinic demo`: the main job on the specification's paralysed net."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from torchclinic.cli import repair
from torchclinic.cli.console import guarded
from torchclinic.cli.options import Seed


class DemoData(str, Enum):
    """Data of the demo."""

    DIGITS = "digits"
    MNIST = "mnist"


@guarded
def demo(
    output: Annotated[
        str, typer.Option("-o", "--output", help="HTML report.")
    ] = "torchclinic-demo.html",
    data: Annotated[
        DemoData, typer.Option(help="digits are embedded; mnist takes its IDX files.")
    ] = DemoData.DIGITS,
    seeds: Annotated[int, typer.Option(help="Paired seeds of the proof.")] = 6,
    fast: Annotated[
        bool, typer.Option("--fast", help="A fifth of the epochs and a small search.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Diagnose and repair a net of three sigmoid layers that does not learn."""
    from torchclinic.gallery.sigmoid_paralysis import recipe

    job = recipe(data.value)
    budget = None
    if fast:
        job, budget = job.replace(epochs=max(1, (job.epochs or 5) // 5)), 3.0
    repair.run(job, output, budget=budget, seeds=seeds, seed=seed)
