"""Blocks of lines that a diagnosis and a repair share."""

from __future__ import annotations

from collections.abc import Mapping

from torchclinic.core import Evidence, Finding, Level
from torchclinic.render.console.blocks import bar, log_shares
from torchclinic.render.console.sheet import Part, Sheet
from torchclinic.render.layers import Table, labels
from torchclinic.render.story import evidence_words, folded, window
from torchclinic.render.words import listing, number, shorten, titled

LEVEL_STYLES = {Level.ERROR: "bold red", Level.WARNING: "bold yellow", Level.INFO: "bold blue"}
ARM_STYLES = {"before": "red", "after": "cyan"}
LAYER_LINES = 7  # lines of a table of layers; a deeper net is cut in its middle
NAME_COLUMNS = 18
BAR_COLUMNS = 36


def finding_head(sheet: Sheet, finding: Finding, lead: str = "") -> None:
    """Code, name, level, layer and window on one line, the title on the next."""
    style = LEVEL_STYLES[finding.level]
    where = f" in {shorten(sheet.plain(finding.layers[0]), 20)}" if finding.layers else ""
    sheet.line(
        (lead, "bold"),
        (finding.code, style),
        (" " + finding.rule.replace("-", " "), "bold"),
        f" ({finding.level.value}){where}, {window(finding)}",
    )
    sheet.paragraph(titled(finding.title), style="bold", limit=2)


def finding_body(sheet: Sheet, finding: Finding, *, limit: int = 4) -> None:
    """Why, in plain words, and what is folded under it."""
    sheet.paragraph(finding.explanation, lead=("Why: ", "bold"), limit=limit)
    names = folded(finding)
    if names:
        sheet.paragraph(f"{listing(names)}.", lead=("Explains: ", "bold"), limit=2)


def evidence_line(sheet: Sheet, evidence: Evidence) -> None:
    """One measured number against its threshold."""
    where = f" ({shorten(sheet.plain(evidence.layer), 24)})" if evidence.layer else ""
    sheet.line("  · ", evidence.statistic, (where, "dim"), ": ", (evidence_words(evidence), "bold"))


def layer_table(sheet: Sheet, shown: Table) -> None:
    """Typical value of each layer as bars, before and after side by side where both are known."""
    arms = [arm for arm in ("before", "after") if shown.has(arm)]
    values = {arm: shown.typical(arm) for arm in arms}
    names = _common_names(shown, values)
    shares = _shares(shown, values)
    column = min(NAME_COLUMNS, max([5, *map(len, map(sheet.plain, names))]))
    number_columns = 8
    room = min(BAR_COLUMNS, (sheet.width - 4 - column) // len(arms) - number_columns - 2)
    sheet.line(
        "  ",
        (sheet.fit("layer", column), "dim"),
        *(
            (sheet.fit(f"  {_title(shown, arm, arms)}", room + number_columns + 2), "dim")
            for arm in arms
        ),
    )
    called = dict(zip(names, labels([sheet.plain(name) for name in names], column), strict=True))
    for name in _cut(names):
        if name is None:
            sheet.line("  ", (f"{len(names) - LAYER_LINES + 1} more layers between", "dim"))
            continue
        parts: list[Part] = ["  ", sheet.fit(called[name], column)]
        for arm in arms:
            parts += _cell(sheet, arm, values[arm].get(name), shares.get((arm, name), 0.0), room)
        sheet.line(*parts)


def _common_names(shown: Table, values: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Layers of the faulty side where there is one: what a repair adds is in the report."""
    first = next(iter(values.values()))
    return [row.name for row in shown.rows if row.name in first]


def _title(shown: Table, arm: str, arms: list[str]) -> str:
    scale = " (log)" if shown.statistic.log else ""
    return f"{shown.statistic.axis}{scale}" + (f", {arm}" if len(arms) > 1 else "")


def _cell(sheet: Sheet, arm: str, value: float | None, share: float, room: int) -> list[Part]:
    if value is None:
        return [f"  {'-':<{room + 8}}"]
    drawn = bar(share, room, unicode=sheet.terminal.unicode)
    return ["  ", (drawn, ARM_STYLES[arm]), f" {number(value, 2):<7}"]


def _shares(
    shown: Table, values: Mapping[str, Mapping[str, float]]
) -> dict[tuple[str, str], float]:
    keys = [(arm, name) for arm, found in values.items() for name in found]
    flat = [values[arm][name] for arm, name in keys]
    if not flat:
        return {}
    top = max(flat) or 1.0
    shares = log_shares(flat) if shown.statistic.log else [value / top for value in flat]
    return dict(zip(keys, shares, strict=True))


def _cut(names: list[str]) -> list[str | None]:
    """All names, or the first and the last ones with a None between."""
    if len(names) <= LAYER_LINES:
        return list(names)
    half = LAYER_LINES // 2
    return [*names[:half], None, *names[-half:]]
