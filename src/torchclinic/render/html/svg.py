"""Markup elements with everything escaped, and numbers kept short."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

Value = str | float | int | bool | None


def tag(name: str, *children: Markup | str, **attributes: Value) -> Markup:
    """One element; text children and attribute values are escaped, None leaves one out.

    A trailing underscore of a keyword is dropped and the other ones become hyphens.

    >>> tag("text", "a < b", x=0.5, class_="tick", text_anchor="end")
    Markup('<text x="0.5" class="tick" text-anchor="end">a &lt; b</text>')
    """
    written = "".join(
        f' {_attribute(key)}="{escape(text(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")  # noqa: S704 - every part is escaped above


def join(parts: Iterable[Markup]) -> Markup:
    """Markup after markup."""
    return Markup("").join(parts)


def _attribute(key: str) -> str:
    key = key.rstrip("_")
    return key if key in ("viewBox", "preserveAspectRatio") else key.replace("_", "-")


def text(value: Value) -> str:
    """An attribute's value; numbers with at most two decimals.

    >>> text(33.333333), text(5.0), text(True)
    ('33.33', '5', '')
    """
    if value is True:
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            return "0"
        return f"{value:.2f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))
    return str(value)


def percent(share: float) -> str:
    """A share of the width or height.

    >>> percent(1 / 3)
    '33.33%'
    """
    return f"{text(100.0 * share)}%"


def path(points: Iterable[tuple[float, float]], size: int = 1000) -> str:
    """Lines through points (x and y upwards, 0 to 1) on a square of `size`; a NaN breaks the line.

    >>> path([(0.0, 0.0), (0.5, 1.0), (1.0, float("nan"))])
    'M0 1000L500 0'
    """
    parts: list[str] = []
    pen = "M"
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            pen = "M"
            continue
        parts.append(f"{pen}{_short(x * size)} {_short((1 - y) * size)}")
        pen = "L"
    return "".join(parts)


def _short(value: float) -> str:
    """One decimal at most; far outside of the plot is cut off."""
    return f"{min(9999.0, max(-9999.0, value)):.1f}".removesuffix(".0")
