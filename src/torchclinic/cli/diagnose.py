"""`torchclinic diagnose`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from torchclinic.cli.console import check_writable, guarded, narrating, write_text
from torchclinic.cli.options import Data, FailOn, Format, Seed, Target, load

if TYPE_CHECKING:
    from torchclinic.core.finding import Diagnosis


@guarded
def diagnose(
    target: Target,
    data: Data = None,
    share: Annotated[
        float, typer.Option(help="Share of the full training that may be watched.")
    ] = 1.0,
    max_seconds: Annotated[float, typer.Option(help="Cap on the watched run.")] = 60.0,
    seed: Seed = 0,
    select: Annotated[
        str | None, typer.Option(help="Only these codes or prefixes: GRD,LRN101.")
    ] = None,
    ignore: Annotated[str | None, typer.Option(help="Not these codes or prefixes.")] = None,
    output_format: Annotated[Format, typer.Option("--output-format")] = Format.CONSOLE,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="File instead of stdout.")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Level from which on the exit code is 1.")
    ] = FailOn.WARNING,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 with findings.")] = False,
) -> None:
    """Say what is wrong with a training: ranked findings with their evidence."""
    from torchclinic import clinic

    check_writable(output)
    recipe = load(target, data)
    with narrating() as narrate:
        diagnosis = clinic.diagnose(
            recipe,
            seed=seed,
            share=share,
            max_seconds=max_seconds,
            select=_codes(select),
            ignore=_codes(ignore),
            narrate=narrate,
        )
    write_text(_render(diagnosis, output_format), output)
    if _fails(diagnosis, fail_on) and not exit_zero:
        raise typer.Exit(1)


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _render(diagnosis: Diagnosis, output_format: Format) -> str:
    from torchclinic import render

    if output_format is Format.JSON:
        return render.to_json(render.diagnosis_to_dict(diagnosis))
    if output_format is Format.HTML:
        return render.render_diagnosis_page(diagnosis)
    return str(diagnosis)


def _fails(diagnosis: Diagnosis, fail_on: FailOn) -> bool:
    from torchclinic.core.finding import Level

    if fail_on is FailOn.NEVER:
        return False
    worst = Level(fail_on.value).rank
    return any(finding.level.rank <= worst for finding in diagnosis)
