"""Tables of rules and remedies, from plain rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torchclinic.render.console.sheet import Sheet
from torchclinic.render.console.terminal import detect

NARROWEST = 20  # columns of the text at the end of a row; a longer row is stacked instead
STYLES = {"safe": "green", "unsafe": "yellow", "display-only": "dim"}


class RuleRow(NamedTuple):
    """One rule: its code, its name and what it finds, in one sentence."""

    code: str
    name: str
    summary: str


class RemedyRow(NamedTuple):
    """One remedy: its name, how freely it is applied and what it does."""

    name: str
    applicability: str
    title: str


def render_rules_table(
    rows: Iterable[RuleRow | Sequence[str]],
    width: int = 80,
    *,
    color: bool | None = None,
    unicode: bool | None = None,
) -> str:
    """All rules as a table: code, name, summary.

    >>> row = RuleRow("GRD101", "vanishing-gradient", "The gradient fades.")
    >>> print(render_rules_table([row], color=False, unicode=False).splitlines()[-1])
    GRD101  vanishing-gradient  The gradient fades.
    """
    return _table(RuleRow._fields, rows, Sheet(detect(width, color, unicode)))


def render_remedies_table(
    rows: Iterable[RemedyRow | Sequence[str]],
    width: int = 80,
    *,
    color: bool | None = None,
    unicode: bool | None = None,
) -> str:
    """All remedies as a table: name, applicability, title.

    >>> row = RemedyRow("warm-up", "safe", "linear warm-up of the learning rate")
    >>> print(render_remedies_table([row], color=False, unicode=False).splitlines()[-1])
    warm-up  safe           linear warm-up of the learning rate
    """
    return _table(RemedyRow._fields, rows, Sheet(detect(width, color, unicode)))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], sheet: Sheet) -> str:
    body = [[sheet.plain(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(header), *body]) for i in range(len(header) - 1)]
    room = sheet.width - sum(widths) - 2 * len(widths)
    if room < NARROWEST:
        return _stacked(body, sheet)
    heads = [head.ljust(width) for head, width in zip(header[:-1], widths, strict=True)]
    sheet.line(("  ".join([*heads, header[-1]]), "bold"))
    sheet.rule()
    for row in body:
        _row(row, widths, room, sheet)
    return sheet.text()


def _row(row: Sequence[str], widths: Sequence[int], room: int, sheet: Sheet) -> None:
    wrapped = textwrap.wrap(row[-1], room) or [""]
    for place, text in enumerate(wrapped):
        cells = row[:-1] if place == 0 else [""] * len(widths)
        parts = [
            (f"{cell:<{width}}  ", _style(cell, column))
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        sheet.line(*parts, text)


def _style(cell: str, column: int) -> str:
    return "bold" if column == 0 else STYLES.get(cell, "")


def _stacked(body: Sequence[Sequence[str]], sheet: Sheet) -> str:
    """One block a row, for rows that do not fit beside each other."""
    for first, *middle, last in body:
        sheet.line((first, "bold"), *((f"  {cell}", _style(cell, 1)) for cell in middle))
        sheet.paragraph(last)
    return sheet.text()
