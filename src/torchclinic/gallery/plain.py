"""Values as JSON has them: NaN and infinities as strings, as in the reports."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

_NONFINITE = ("NaN", "Infinity", "-Infinity")


def plain(value: Any) -> Any:
    """Any value of the gallery's types as JSON-ready values.

    >>> plain({"a": float("inf"), "b": (1, float("nan"))})
    {'a': 'Infinity', 'b': [1, 'NaN']}
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _word(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    item = getattr(value, "item", None)  # of a number of numpy or torch
    return value if item is None else plain(item())


def number(value: Any) -> Any:
    """Back again: the three strings become floats, everything else stays.

    >>> number("-Infinity"), number("digits"), number(3)
    (-inf, 'digits', 3)
    """
    return float(value) if isinstance(value, str) and value in _NONFINITE else value


def _word(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
