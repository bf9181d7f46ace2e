"""JSON that a person can read: a line for each entry, and columns of numbers on one line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_text(value: Any, indent: int = 0) -> str:
    """JSON text of nested mappings, with lists and what is in them on one line.

    >>> print(to_text({"seed": 1, "loss": [0.5, 0.25]}))
    {
      "seed": 1,
      "loss": [0.5, 0.25]
    }
    """
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = "  " * (indent + 1)
    lines = [
        f"{inner}{json.dumps(str(key), ensure_ascii=False)}: {to_text(item, indent + 1)}"
        for key, item in value.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n" + "  " * indent + "}"


def number(value: float | None) -> float | str | None:
    """A number as strict JSON has it: NaN and infinities in words.

    >>> number(0.5), number(float("nan")), number(float("-inf"))
    (0.5, 'nan', '-inf')
    """
    if value is None or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def as_number(value: float | str | None) -> float | None:
    """What `number` was given.

    >>> as_number("inf"), as_number(0.5)
    (inf, 0.5)
    """
    return _NON_FINITE[value] if isinstance(value, str) else value


def column(values: Sequence[float | None]) -> list[float | str | None]:
    """`number` of each."""
    return [number(value) for value in values]


def from_column(values: Sequence[Any]) -> tuple[Any, ...]:
    """`as_number` of each."""
    return tuple(as_number(value) for value in values)
