"""The line of the user's own code that is behind an operation."""

from __future__ import annotations

import inspect
import linecache
from functools import cache
from pathlib import Path
from typing import Any

import torch

_OWN = Path(__file__).parents[1]
_TORCH = Path(torch.__file__).parent
_WIDTH = 60


def present_line() -> str:
    """The innermost line that is being executed outside of torch and torchclinic.

    >>> isinstance(present_line(), str)
    True
    """
    frame = inspect.currentframe()
    while frame is not None:
        name, number = frame.f_code.co_filename, frame.f_lineno
        if _theirs(name) and (line := linecache.getline(name, number, frame.f_globals).strip()):
            return _told(name, number, line)
        frame = frame.f_back
    return ""


def noted_line(node: Any) -> str:
    """The line in which the forward operation of a node of the graph was called.

    It is known where the forward pass ran under torch's anomaly detection.
    """
    for entry in reversed(node.metadata.get("traceback_", ())):
        head, _, code = str(entry).strip().partition("\n")
        if 'File "' not in head or ", line " not in head:
            continue
        name = head.split('File "', 1)[1].split('"', 1)[0]
        number = head.split(", line ", 1)[1].split(",", 1)[0]
        if _theirs(name) and code.strip() and number.isdigit():
            return _told(name, int(number), code.strip().splitlines()[0])
    return ""


@cache
def _theirs(filename: str) -> bool:
    path = Path(filename)
    outside = not (path.is_relative_to(_OWN) or path.is_relative_to(_TORCH))
    return outside and not filename.startswith("<frozen") and "contextlib" not in filename


def _told(filename: str, number: int, code: str) -> str:
    short = code if len(code) <= _WIDTH else code[: _WIDTH - 3].rstrip() + "..."
    return f"{Path(filename).name}:{number}: {short}"
