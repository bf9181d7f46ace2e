"""A repair on one screen."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from torchclinic.core import Level, Outcome, Repair
from torchclinic.render import arms as search
from torchclinic.render.console.blocks import sparkline, strip
from torchclinic.render.console.parts import (
    ARM_STYLES,
    evidence_line,
    finding_body,
    finding_head,
    layer_table,
)
from torchclinic.render.console.sheet import Sheet
from torchclinic.render.console.terminal import Terminal, detect
from torchclinic.render.curves import evaluated_split, evaluation_bundles
from torchclinic.render.layers import tables, traces
from torchclinic.render.numbers import finite, median
from torchclinic.render.story import (
    OUTCOME_WORDS,
    Change,
    change,
    checked_sentence,
    cost_sentence,
    diverged_sentence,
    headline,
    interval_sentence,
    metric_name,
    seeds_sentence,
)
from torchclinic.render.words import decimals_for, plural, score, sentence, shorten

SCREEN = 45  # lines of a terminal window that a story fits on
CODE_LINES = 6  # of the patch that are shown even when the screen is full
OVERRUN = 6  # lines by which the screen may be exceeded for the sake of whole code


@dataclass(frozen=True)
class Room:
    """How much the story may tell so that the code still fits on the screen."""

    arms: int
    why: int
    curves: bool


ROOMS = (Room(9, 4, True), Room(6, 4, True), Room(5, 3, False), Room(5, 2, False))


OUTCOME_STYLES = {
    Outcome.REPAIRED: ("✓", "bold green"),
    Outcome.IMPROVED: ("↗", "bold cyan"),
    Outcome.INCONCLUSIVE: ("≈", "bold yellow"),
    Outcome.NOT_REPAIRED: ("✗", "bold red"),
    Outcome.HEALTHY: ("✓", "bold green"),
}


def render_repair_text(
    repair: Repair,
    width: int = 80,
    *,
    color: bool | None = None,
    unicode: bool | None = None,
    report: str | os.PathLike[str] | None = None,
    lines: int = SCREEN,
) -> str:
    """The repair as one screen of text.

    What is wrong, why, what was tried, before and after with the band over the seeds, the verdict,
    the code to paste, where the report is, and what it cost.

    Args:
        repair: What was found, tried and proven.
        width: Columns.
        color: Whether to use colours; None asks NO_COLOR, FORCE_COLOR and the terminal.
        unicode: Whether to draw with block characters; None asks the output's encoding.
        report: Path of the HTML report, printed when given.
        lines: Lines of the screen; the code is cut to fit, never below six lines.

    Returns:
        Lines without a final newline.
    """
    terminal = detect(width, color, unicode)
    sheet, end = Sheet(terminal), Sheet(terminal)
    _end(end, repair, report)
    for room in ROOMS:
        sheet = _story(terminal, repair, room)
        if len(sheet) + len(end) + len(_source(repair)) <= lines:
            break
    _code(sheet, repair, lines - len(sheet) - len(end))
    return f"{sheet.text()}\n{end.text()}"


def _story(terminal: Terminal, repair: Repair, room: Room) -> Sheet:
    sheet = Sheet(terminal)
    _verdict(sheet, repair)
    if repair.verdict.outcome is Outcome.HEALTHY:
        sheet.paragraph(checked_sentence(repair.diagnosis))
        return sheet
    _cause(sheet, repair, room.why)
    _tried(sheet, repair, room.arms)
    _proof(sheet, repair, curves=room.curves)
    return sheet


def _verdict(sheet: Sheet, repair: Repair) -> None:
    outcome = repair.verdict.outcome
    sign, style = OUTCOME_STYLES[outcome]
    on = f" on {repair.data}" if repair.data else ""
    sheet.line(("torchclinic repair", "bold"), f" · {repair.name}{on}")
    sheet.rule()
    sheet.line(
        (f"{sign} {OUTCOME_WORDS[outcome].upper()}", style), "  ", (headline(repair), "bold")
    )
    sheet.paragraph(sentence(repair.verdict.sentence), limit=3)


def _cause(sheet: Sheet, repair: Repair, limit: int) -> None:
    root = repair.diagnosis.root
    if root is None:
        return
    sheet.blank()
    finding_head(sheet, root, "What is wrong  ")
    shown = tables(*traces(repair))
    if shown:
        layer_table(sheet, shown[0])
    else:
        for evidence in root.evidence[:3]:
            evidence_line(sheet, evidence)
    finding_body(sheet, root, limit=limit)
    others = [f for f in repair.diagnosis if f is not root and f.level is not Level.INFO]
    for finding in others[:2]:
        sheet.line("  also ", (finding.code, "bold"), f" {finding.title}")


def _tried(sheet: Sheet, repair: Repair, limit: int) -> None:
    found = search.lines(repair)
    if not found:
        return
    kept, more = search.shortlist(found, limit)
    sheet.heading(
        "What was tried",
        f"{metric_name(repair)}, {search.search_size([line.arm for line in kept])}"
        + (f"; {more} more in the report" if more else ""),
    )
    scores = finite(s for line in found for s in line.arm.scores)
    low, high = min([0.0, *scores]), max(scores, default=1.0)
    decimals = decimals_for(scores)
    for line in kept:
        _arm(sheet, line, (low, high), decimals)


def _arm(sheet: Sheet, line: search.Line, axis: tuple[float, float], decimals: int | None) -> None:
    column = 38
    width = max(10, sheet.width - column - 20)
    name = line.arm.name if not line.control else f"{line.kind}"
    label = sheet.fit(shorten(sheet.plain(name), column - 1), column)
    mark = ("▶ " if sheet.terminal.unicode else "> ") if line.arm.chosen else "  "
    style = "dim" if line.control else ""
    if not finite(line.arm.scores):
        why = line.arm.note or ("diverged" if line.arm.scores else "not run")
        sheet.line("  ", mark, (label, style), (why, "dim"))
        return
    drawn = strip(line.arm.scores, *axis, width, unicode=sheet.terminal.unicode)
    tail = " chosen" if line.arm.chosen else ""
    sheet.line(
        "  ",
        (mark, "bold green"),
        (label, "bold" if line.arm.chosen else style),
        (drawn, style or ARM_STYLES["after"]),
        f" {score(line.score, decimals)}",
        (tail, "bold green"),
    )


def _proof(sheet: Sheet, repair: Repair, *, curves: bool) -> None:
    found = change(repair)
    if found is None or not (found.before and found.after):
        return
    note = f"{found.metric}, {plural(len(found.seeds), 'seed')}"
    sheet.heading("Before and after", f"{note}, {repair.judged_on}" if repair.judged_on else note)
    every = finite((*found.before, *found.after))
    axis = (min([0.0, *every]), max(every, default=1.0))
    for arm in ("before", "after"):
        _side(sheet, arm, getattr(found, arm), found, axis)
    if curves:
        _curves(sheet, repair)
    comparison = repair.verdict.comparison
    if comparison is not None and not _has_interval(repair.verdict.sentence):
        words = interval_sentence(comparison)
        sheet.paragraph(f"{seeds_sentence(comparison)}: {words}.", limit=2)
    if comparison is not None:
        sheet.paragraph(sentence(diverged_sentence(comparison)), limit=2)


def _has_interval(text: str) -> bool:
    """Whether the verdict's own sentence states difference and interval already."""
    return re.search(r"\[[^\]]*, [^\]]*\]", text) is not None


def _side(
    sheet: Sheet, arm: str, values: tuple[float, ...], found: Change, axis: tuple[float, float]
) -> None:
    good = finite(values)
    width = max(10, sheet.width - 38)
    if not good:
        sheet.line(f"  {arm:<7} ", "not finite with any seed")
        return
    drawn = strip(values, *axis, width, unicode=sheet.terminal.unicode)
    low, high = (score(v, found.decimals) for v in (min(good), max(good)))
    lost = f", {len(values) - len(good)} not finite" if len(good) < len(values) else ""
    band = f" ({low} to {high}{lost})" if len(values) > 1 else ""
    sheet.line(
        f"  {arm:<7} ",
        (drawn, ARM_STYLES[arm]),
        (f" {score(median(values), found.decimals)}", "bold"),
        band,
    )


def _curves(sheet: Sheet, repair: Repair) -> None:
    """The median curve of both arms in one line each."""
    history = next((r.history for r in (*repair.before, *repair.after)), None)
    quantity = "metric" if history is not None and history.metric else "loss"
    found = evaluation_bundles(repair.before, repair.after, quantity)
    values = finite(v for b in found for v in b.median.values)
    if len(found) < 2 or not values:
        return
    split = evaluated_split((*repair.before, *repair.after), quantity)
    width = (sheet.width - 40) // 2
    parts = []
    for b in found:
        drawn = sparkline(
            b.median.values, min(values), max(values), width, unicode=sheet.terminal.unicode
        )
        parts += [f"{b.arm} ", (drawn, ARM_STYLES[b.arm]), "  "]
    sheet.line("  curves  ", *parts, (split, "dim"))


def _source(repair: Repair) -> list[str]:
    """The lines of the patch that carry something."""
    return [line.rstrip() for line in repair.patch.splitlines() if line.strip()]


def _code(sheet: Sheet, repair: Repair, room: int) -> None:
    source = _source(repair)
    if not source:
        return
    limit = max(CODE_LINES, room - 2)
    cut = source if len(source) <= limit + OVERRUN else source[: limit - 1]
    sheet.heading("Code to paste", _remedies(repair))
    for line in cut:
        sheet.verbatim(line, "cyan" if not line.lstrip().startswith("#") else "dim")
    if len(cut) < len(source):
        rest = plural(len(source) - len(cut), "more line")
        sheet.line((f"# {rest}: repair.patch, or the report", "dim"))


def _remedies(repair: Repair) -> str:
    """The changes in short: the names of the remedies."""
    return " + ".join(dict.fromkeys(change.remedy for change in repair.changes))


def _end(sheet: Sheet, repair: Repair, report: str | os.PathLike[str] | None) -> None:
    sheet.rule()
    if report is not None:
        sheet.verbatim(f"Report  {os.fspath(report)}")
    sheet.paragraph(f"{cost_sentence(repair.cost)}.", indent=0, lead="Cost  ", style="dim")
