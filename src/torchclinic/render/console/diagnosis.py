"""A diagnosis on one screen."""

from __future__ import annotations

from torchclinic.core import Diagnosis, Finding, Level
from torchclinic.render.console.parts import (
    LEVEL_STYLES,
    evidence_line,
    finding_body,
    finding_head,
    layer_table,
)
from torchclinic.render.console.sheet import Sheet
from torchclinic.render.console.terminal import detect
from torchclinic.render.layers import faulty_trace, tables
from torchclinic.render.story import checked_sentence, level_counts
from torchclinic.render.words import listing, plural, seconds, shorten

FULL = 2  # root causes told in full; the others get one line each
EVIDENCE = 3
INFOS = 6
NOTES = 3
LAYER_STAGES = ("INITIALISATION", "NUMERICS")  # findings that the table of layers illustrates


def render_diagnosis_text(
    diagnosis: Diagnosis, width: int = 80, *, color: bool | None = None, unicode: bool | None = None
) -> str:
    """The diagnosis as text: what is wrong, where, why, by which numbers, and what helps.

    Args:
        diagnosis: What was found.
        width: Columns.
        color: Whether to use colours; None asks NO_COLOR, FORCE_COLOR and the terminal.
        unicode: Whether to draw with block characters; None asks the output's encoding.

    Returns:
        Lines without a final newline; two lines for a healthy training.

    >>> print(render_diagnosis_text(Diagnosis(name="net"), color=False, unicode=False))
    + healthy  net: no error and no warning
      Nothing was there to check.
    """
    sheet = Sheet(detect(width, color, unicode))
    if diagnosis.healthy:
        _healthy(sheet, diagnosis)
    else:
        _sick(sheet, diagnosis)
    return sheet.text()


def _healthy(sheet: Sheet, diagnosis: Diagnosis) -> None:
    name = shorten(sheet.plain(diagnosis.name), 30)
    sheet.line(("✓ healthy", "bold green"), f"  {name}: no error and no warning")
    sheet.paragraph(checked_sentence(diagnosis))
    _infos(sheet, diagnosis)


def _sick(sheet: Sheet, diagnosis: Diagnosis) -> None:
    sheet.line(
        ("torchclinic diagnosis", "bold"),
        f" · {diagnosis.name} · {level_counts(diagnosis)} · {seconds(diagnosis.seconds)}",
    )
    sheet.rule()
    causes = [finding for finding in diagnosis.findings if finding.level is not Level.INFO]
    for place, finding in enumerate(causes[:FULL]):
        if place:
            sheet.blank()
        _cause(sheet, diagnosis, finding, illustrated=place == 0)
    if causes[FULL:]:
        sheet.heading("Further findings")
        for finding in causes[FULL:]:
            _one_line(sheet, finding)
    _infos(sheet, diagnosis)
    _end(sheet, diagnosis)


def _cause(sheet: Sheet, diagnosis: Diagnosis, finding: Finding, *, illustrated: bool) -> None:
    finding_head(sheet, finding)
    shown = tables(faulty_trace(diagnosis), None)
    if illustrated and shown and finding.stage.name in LAYER_STAGES:
        layer_table(sheet, shown[0])
    finding_body(sheet, finding)
    for evidence in finding.evidence[:EVIDENCE]:
        evidence_line(sheet, evidence)
    if finding.remedies:
        sheet.paragraph(f"{listing(finding.remedies)}.", lead=("Remedies: ", "bold"), limit=2)


def _one_line(sheet: Sheet, finding: Finding) -> None:
    sheet.line("  ", (finding.code, LEVEL_STYLES[finding.level]), f" {finding.title}")


def _infos(sheet: Sheet, diagnosis: Diagnosis) -> None:
    infos = [finding for finding in diagnosis.findings if finding.level is Level.INFO]
    for finding in infos[:INFOS]:
        _one_line(sheet, finding)
    if infos[INFOS:]:
        sheet.line(("  and " + plural(len(infos) - INFOS, "more note"), "dim"))


def _end(sheet: Sheet, diagnosis: Diagnosis) -> None:
    sheet.blank()
    sheet.paragraph(checked_sentence(diagnosis), indent=0, style="dim")
    for note in diagnosis.notes[:NOTES]:
        sheet.paragraph(note, indent=2, style="dim", lead="- ", limit=2)
