"""A sheet of styled lines, never wider than its terminal."""

from __future__ import annotations

import io
import textwrap
import unicodedata

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from torchclinic.render.console.terminal import Terminal
from torchclinic.render.words import printable

Part = str | tuple[str, str]
ASCII = {
    "→": "->",
    "…": "..",
    "·": "-",
    "×": "x",
    "–": "-",
    "—": "-",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "✓": "+",
    "✗": "x",
    "≈": "~",
    "↗": "/",
    "▶": ">",
    "─": "-",
    "é": "e",
    "’": "'",
    "“": '"',
    "”": '"',
    "\N{GREEK SMALL LETTER LAMDA}": "lambda",
}


class Sheet:
    """Lines of text, built from parts `(text, style)`.

    Args:
        terminal: Where it will be shown.

    >>> sheet = Sheet(Terminal(unicode=False))
    >>> sheet.line(("0.10 → 0.97", "bold"))
    >>> sheet.text()
    '0.10 -> 0.97'
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._lines: list[Text] = []

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def width(self) -> int:
        """Columns."""
        return self.terminal.width

    def plain(self, text: str) -> str:
        """The text with harmless characters that the terminal can show."""
        text = printable(text)
        return text if self.terminal.unicode else to_ascii(text)

    def fit(self, text: str, width: int) -> str:
        """The text in exactly `width` columns: cut at its end, or padded."""
        text = self.plain(text)
        dots = "…" if self.terminal.unicode else ".."
        if cell_len(text) > width:
            while text and cell_len(text) + len(dots) > width:
                text = text[:-1]
            text = (text + dots)[: max(width, 0)] if width < len(dots) else text + dots
        return text + " " * (width - cell_len(text))

    def line(self, *parts: Part) -> None:
        """Add one line, cut at the terminal's width."""
        text = Text(no_wrap=True, end="")
        room = self.width
        for part in parts:
            raw, style = (part, "") if isinstance(part, str) else part
            raw = self.plain(raw)
            if cell_len(raw) > room:
                raw = self.fit(raw, room)
            text.append(raw, style=style)
            room -= cell_len(raw)
        text.rstrip()
        self._lines.append(text)

    def paragraph(
        self,
        text: str,
        *,
        indent: int = 2,
        style: str = "",
        lead: Part = "",
        hang: bool = False,
        limit: int = 0,
    ) -> None:
        """Add a wrapped paragraph; nothing for an empty text.

        Args:
            text: What it says.
            indent: Columns before each line.
            style: Of the text.
            lead: What stands before it on the first line.
            hang: Whether the other lines are indented as far as the lead reaches.
            limit: Lines at most; 0 for all.
        """
        text = self.plain(text)
        if not text.strip():
            return
        head, head_style = (lead, "") if isinstance(lead, str) else lead
        head = self.plain(head)
        text = text.replace(" = ", "\xa0=\xa0").replace(" %", "\xa0%")  # wraps nowhere inside
        first_indent = indent + len(head)
        wrapped = textwrap.wrap(
            text,
            self.width - 1,
            initial_indent=" " * first_indent,
            subsequent_indent=" " * (first_indent if hang else indent),
        )
        if limit and len(wrapped) > limit:
            wrapped = wrapped[:limit]
            dots = "…" if self.terminal.unicode else ".."
            wrapped[-1] = wrapped[-1][: self.width - 1 - len(dots)] + dots
        first, *rest = (line.replace("\xa0", " ") for line in wrapped)
        self.line(" " * indent, (head, head_style), (first[first_indent:], style))
        for line in rest:
            self.line((line, style))

    def verbatim(self, text: str, style: str = "") -> None:
        """Add one line as it is, even where it is wider than the terminal (code, paths)."""
        self._lines.append(Text(self.plain(text).rstrip(), style=style, no_wrap=True, end=""))

    def blank(self) -> None:
        """Add an empty line, unless the last one is empty."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text(end=""))

    def rule(self) -> None:
        """Add a line across the sheet."""
        self.line((("─" if self.terminal.unicode else "-") * (self.width - 1), "dim"))

    def heading(self, title: str, note: str = "") -> None:
        """Add a heading after an empty line."""
        self.blank()
        self.line((title, "bold"), "  " if note else "", (note, "dim"))

    def text(self) -> str:
        """All lines; with escape codes when the terminal shows colours."""
        if not self.terminal.color:
            return "\n".join(line.plain.rstrip() for line in self._lines)
        file = io.StringIO()
        console = Console(
            file=file,
            width=10_000,
            force_terminal=True,
            color_system="standard",
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            no_color=False,
        )
        for line in self._lines:
            console.print(line, end="\n", soft_wrap=True)
        return file.getvalue().rstrip("\n")


def to_ascii(text: str) -> str:
    """The text in ASCII: known signs spelt out, accents dropped, the rest as "?".

    >>> to_ascii("0.1 → 0.9 × λ…")
    '0.1 -> 0.9 x lambda..'
    """
    return "".join(_ascii(c) for c in text)


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    if character in ASCII:
        return ASCII[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or "?"
