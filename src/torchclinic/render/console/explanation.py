"""A rule's page for the terminal: headings, paragraphs, lists and code of its docstring."""

from __future__ import annotations

import inspect
import re

from torchclinic.render.console.sheet import Sheet
from torchclinic.render.console.terminal import detect

FENCE = "```"
BULLET = re.compile(r"^(\s*)([-*]|\d+\.)\s+")


def render_rule_explanation(
    text: str, width: int = 80, *, color: bool | None = None, unicode: bool | None = None
) -> str:
    r"""Light Markdown as terminal text: headings bold, prose wrapped, code left alone.

    Args:
        text: The docstring, with headings marked by "#" or underlined.
        width: Columns.
        color: Whether to use colours; None asks the terminal.
        unicode: Whether to use characters beyond ASCII; None asks the output's encoding.

    Returns:
        Lines without a final newline.

    >>> print(render_rule_explanation("## What it does\nSees the loss.", color=False))
    What it does
      Sees the loss.
    """
    sheet = Sheet(detect(width, color, unicode))
    lines = inspect.cleandoc(text).splitlines()
    paragraph: list[str] = []
    fenced = False
    for place, line in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if line.strip().startswith(FENCE):
            _flush(sheet, paragraph)
            fenced = not fenced
        elif fenced or _is_code(line, lines[place - 1] if place else "", paragraph):
            _flush(sheet, paragraph)
            sheet.verbatim(f"    {line}" if fenced else line, "cyan")
        elif not _is_underline(line, lines[place - 1] if place else ""):
            _prose(sheet, paragraph, line, following)
    _flush(sheet, paragraph)
    return sheet.text()


def _prose(sheet: Sheet, paragraph: list[str], line: str, following: str) -> None:
    title = _heading(line, following)
    if title:
        _flush(sheet, paragraph)
        sheet.heading(title)
    elif not line.strip():
        _flush(sheet, paragraph)
        sheet.blank()
    else:
        if BULLET.match(line):
            _flush(sheet, paragraph)
        paragraph.append(line.strip())


def _heading(line: str, following: str) -> str:
    if line.startswith("#"):
        return line.lstrip("#").strip()
    return line.strip() if line.strip() and _is_underline(following, line) else ""


def _is_underline(line: str, above: str) -> bool:
    return bool(re.fullmatch(r"[-=~]{3,}", line.strip())) and bool(above.strip())


def _is_code(line: str, above: str, paragraph: list[str]) -> bool:
    """An indented block after an empty line; a wrapped list item is none."""
    starts = line.startswith("    ") and not paragraph and not BULLET.match(line)
    return starts and (not above.strip() or above.startswith("    "))


def _flush(sheet: Sheet, paragraph: list[str]) -> None:
    if not paragraph:
        return
    text = _plain(" ".join(paragraph))
    bullet = BULLET.match(text)
    if bullet:
        mark = "- " if bullet[2] in "-*" else f"{bullet[2]} "
        sheet.paragraph(text[bullet.end() :], lead=mark, hang=True)
    else:
        sheet.paragraph(text)
    paragraph.clear()


def _plain(text: str) -> str:
    """Without the marks of emphasis and code spans; links keep their address in brackets."""
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"\1", text)
    return text.replace("`", "")
