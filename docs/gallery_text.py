"""Plain text as reStructuredText."""

from __future__ import annotations

import re

LITERAL = re.compile(r"`([^`\n]+)`")


def heading(title: str, underline: str) -> str:
    """A title over its underline, and an empty line."""
    shown = escaped(title)
    return f"{shown}\n{underline * len(shown)}\n\n"


def escaped(text: str) -> str:
    """Text that means the same in reStructuredText and in Markdown; `code` becomes literal."""
    parts = LITERAL.split(text)
    shown = [f"``{part}``" if place % 2 else _plain(part) for place, part in enumerate(parts)]
    return "".join(shown)


def _plain(text: str) -> str:
    return re.sub(r"[\\*|`]|_(?!\w)", r"\\\g<0>", text)
