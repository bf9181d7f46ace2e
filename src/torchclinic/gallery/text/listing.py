"""The list of all experiments."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from torchclinic.gallery.experiment import Experiment

WIDTH = 80


def listing(experiments: Iterable[Experiment], width: int = WIDTH) -> str:
    """Number, name, title and question of each.

    Args:
        experiments: In their order.
        width: In columns.
    """
    rows: list[str] = []
    for member in experiments:
        rows.append(f"{member.number:>3}  {member.name}: {member.title}")
        rows.append(member.question)
    wrapped = [
        textwrap.fill(
            row, width, initial_indent="" if place % 2 == 0 else " " * 5,
            subsequent_indent=" " * 5, break_on_hyphens=False,
        )
        for place, row in enumerate(rows)
    ]  # fmt: skip
    return "\n".join(wrapped)
