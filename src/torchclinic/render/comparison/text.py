"""A study on one screen."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from torchclinic.core import StudyComparison, StudyResult
from torchclinic.render.comparison.arms import ArmView, arm_views
from torchclinic.render.comparison.forest import differences, p_words, wins
from torchclinic.render.comparison.seed_scores import trouble
from torchclinic.render.comparison.story import facts, headline, said
from torchclinic.render.console.blocks import strip
from torchclinic.render.console.sheet import Sheet
from torchclinic.render.console.terminal import detect
from torchclinic.render.numbers import finite
from torchclinic.render.words import decimals_for, number, plural, score, seconds, shorten, signed

TONES = {"settled": ("✓", "bold green"), "open": ("≈", "bold yellow"), "single": ("·", "bold")}
JUDGED = {"better": "green", "worse": "red", "inconclusive": "dim"}
MOST_VERDICTS, MOST_NOTES = 4, 6  # sentences
MOST_ROWS = 24
NAME_COLUMNS = 20


def render_study_text(
    result: StudyResult,
    width: int = 80,
    *,
    color: bool | None = None,
    unicode: bool | None = None,
    report: str | os.PathLike[str] | None = None,
) -> str:
    """The study as one screen of text: what may be said, the table, the differences, the power.

    Args:
        result: What came of it.
        width: Columns.
        color: Whether to use colours; None asks NO_COLOR, FORCE_COLOR and the terminal.
        unicode: Whether to draw with block characters; None asks the output's encoding.
        report: Path of the HTML report, printed when given.

    Returns:
        Lines without a final newline.
    """
    sheet = Sheet(detect(width, color, unicode))
    _head(sheet, result)
    arms = arm_views(result)
    if result.rows:
        _table(sheet, result, arms)
    if result.against_baseline:
        _differences(sheet, result, {view.arm.name: view for view in arms})
    _sentences(sheet, "Power", said(result, result.power), MOST_VERDICTS)
    _sentences(sheet, "Notes", said(result, result.notes), MOST_NOTES)
    if report is not None:
        sheet.blank()
        sheet.verbatim(f"Report: {os.fspath(report)}")
    return sheet.text()


def _head(sheet: Sheet, result: StudyResult) -> None:
    found = headline(result)
    sign, style = TONES[found.tone]
    sheet.line((f"{sign} {found.word}", style), f"  {result.name}")
    told = [words for _, words in facts(result)]
    sheet.line(("  " + ", ".join(told), "dim"))
    sheet.blank()
    sheet.paragraph(found.says, style="bold")
    for words in found.rest[: MOST_VERDICTS - 1]:
        sheet.paragraph(words, lead=("· ", ""), hang=True, limit=2)
    left = len(found.rest) - MOST_VERDICTS + 1
    if left > 0:
        sheet.line((f"  and {plural(left, 'more sentence')} in the report", "dim"))


def _table(sheet: Sheet, result: StudyResult, arms: Sequence[ArmView]) -> None:
    """Arm, mean, interval, spread of the seeds, n, time."""
    shown = [view for view in arms if view.row is not None]
    scores = {view.arm.name: _scores(result, view) for view in shown}
    every = finite(v for values in scores.values() for v in values)
    low, high = (min(every), max(every)) if every else (0.0, 1.0)
    means = [view.mean for view in shown]
    decimals = decimals_for(means)
    column = _column(sheet, [view.name for view in shown])
    places = max(len(score(m, decimals)) for m in (*means, math.nan))
    percent = number(100 * result.confidence)
    room = max(10, sheet.width - column - 3 * places - 28)
    sheet.heading(f"{result.metric}", f"best first; {percent} % interval of the mean; seeds")
    for view in shown[:MOST_ROWS]:
        row = view.row
        assert row is not None
        ends = [score(v, decimals) if math.isfinite(v) else "-" for v in (row.low, row.high)]
        sheet.line(
            "  ",
            (sheet.fit(shorten(view.name, column), column), "bold" if view.best else ""),
            f"  {score(view.mean, decimals):>{places}}",
            f"  [{ends[0]:>{places}}, {ends[1]:>{places}}]  ",
            strip(scores[view.arm.name], low, high, room, unicode=sheet.terminal.unicode),
            (f"  n {row.n:<3}", "dim"),
            (f" {seconds(row.seconds) if math.isfinite(row.seconds) else '-'}", "dim"),
        )
        if trouble(view):
            sheet.line(("  " + " " * column + f"  {trouble(view)}", "yellow"))
    if len(shown) > MOST_ROWS:
        sheet.line((f"  and {plural(len(shown) - MOST_ROWS, 'more arm')} in the report", "dim"))


def _scores(result: StudyResult, view: ArmView) -> list[float]:
    return finite(run.score for run in result.runs if run.arm == view.arm.name)


def _column(sheet: Sheet, names: Sequence[str]) -> int:
    return min(NAME_COLUMNS, max([4, *(len(sheet.plain(name)) for name in names)]))


def _differences(sheet: Sheet, result: StudyResult, views: dict[str, ArmView]) -> None:
    """Each arm against the baseline."""
    found = differences(result, result.baseline)
    column = _column(sheet, [views[one.after].name for one in found])
    against = shorten(sheet.plain(result.baseline), 24)
    sheet.heading(f"Against {against}", "mean paired difference, interval, Holm's p, wins")
    for one in found[:MOST_ROWS]:
        sheet.line(
            "  ",
            sheet.fit(shorten(views[one.after].name, column), column),
            f"  {_difference(one)}",
            (f"  {one.judgement}", JUDGED[one.judgement]),
        )
    if len(found) > MOST_ROWS:
        sheet.line((f"  and {plural(len(found) - MOST_ROWS, 'more arm')} in the report", "dim"))


def _difference(one: StudyComparison) -> str:
    found = one.comparison
    known = math.isfinite(found.low) and math.isfinite(found.high)
    interval = f"[{number(found.low)}, {number(found.high)}]" if known else "-"
    p = p_words(one.holm_p).replace("–", "-")
    mean = signed(found.mean_difference) if known else "-"
    return f"{mean:>8} {interval:<20} p {p:<7} {wins(one):<9}"


def _sentences(sheet: Sheet, title: str, words: Sequence[str], most: int) -> None:
    if not words:
        return
    sheet.heading(title)
    for one in words[:most]:
        sheet.paragraph(one, lead=("· ", ""), hang=True, limit=3)
    if len(words) > most:
        sheet.line((f"  and {len(words) - most} more in the report", "dim"))
