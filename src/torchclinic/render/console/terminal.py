"""What the terminal can do: width, colour, characters."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

SMALLEST = 40
PROBE = "█▏⣿─├●┤→…✓"


@dataclass(frozen=True)
class Terminal:
    """A terminal's abilities.

    Attributes:
        width: Columns.
        color: Whether it shows colours.
        unicode: Whether it shows block characters.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True


def detect(
    width: int = 80,
    color: bool | None = None,
    unicode: bool | None = None,
    *,
    stream: TextIO | None = None,
    environment: Mapping[str, str] | None = None,
) -> Terminal:
    """The terminal behind a stream; a None is found out.

    Colour is off when NO_COLOR is set to anything, on when FORCE_COLOR is, and follows the stream
    otherwise: on for a terminal that is not "dumb".

    Args:
        width: Columns, at least 40.
        color: Whether to use colours.
        unicode: Whether to use characters beyond ASCII.
        stream: Where the text goes; standard output by default.
        environment: Environment variables; those of the process by default.

    Returns:
        The terminal.

    >>> detect(80, environment={"NO_COLOR": "1"}).color
    False
    """
    stream = sys.stdout if stream is None else stream
    environment = os.environ if environment is None else environment
    return Terminal(
        max(SMALLEST, width),
        _wants_color(stream, environment) if color is None else color,
        _knows_blocks(stream) if unicode is None else unicode,
    )


def _wants_color(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream is not None and stream.isatty() and environment.get("TERM") != "dumb"


def _knows_blocks(stream: TextIO | None) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        PROBE.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
