"""`torchclinic rules`, `explain` and `remedies`."""

from __future__ import annotations

from typing import Annotated

import typer

from torchclinic.cli.console import guarded


@guarded
def rules() -> None:
    """List the rules: code, name, what it finds."""
    from torchclinic import render
    from torchclinic.rules import RULES

    members = sorted(RULES.members(), key=lambda rule: rule.code)
    rows = [(rule.code, rule.name, rule.summary) for rule in members]
    typer.echo(render.render_rules_table(rows))


@guarded
def explain(
    code: Annotated[str, typer.Argument(help="Code of a rule, such as GRD101.")],
) -> None:
    """Explain a rule: what it does, why it matters, known problems, an example, sources."""
    from torchclinic import render
    from torchclinic.rules import explain as text_of

    typer.echo(render.render_rule_explanation(text_of(code.upper())))


@guarded
def remedies() -> None:
    """List the remedies: name, how freely it may be applied, what it does."""
    from torchclinic import render
    from torchclinic.remedies import REMEDIES

    rows = [(m.name, m.applicability.value, m.title) for m in REMEDIES.members()]
    typer.echo(render.render_remedies_table(rows))
