"""Small charts out of characters: bars, strips with a band, sparklines and a dot canvas."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchclinic.render.numbers import finite

EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"
ASCII_HEIGHTS = "_.,-=+*#"


def bar(share: float, width: int, *, unicode: bool = True) -> str:
    """A bar over `share` of `width` columns, never quite empty; padded to `width`.

    >>> bar(0.5, 4), bar(0.5, 4, unicode=False), bar(0.0, 4)
    ('██  ', '##  ', '▏   ')
    """
    share = min(1.0, max(0.0, share))
    if not unicode:
        return ("#" * max(1, round(share * width))).ljust(width)
    eighths = max(1, round(share * width * 8))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(width)


def log_shares(values: Sequence[float]) -> list[float]:
    """Where each value stands between the smallest and the largest, by its logarithm.

    Zero stands at 0, a non-finite value at 1; equal values at 1.

    >>> log_shares([1e-4, 1e-2, 1.0])
    [0.0, 0.5, 1.0]
    """
    logs = [math.log10(v) for v in finite(values) if v > 0]
    low, high = (min(logs), max(logs)) if logs else (0.0, 0.0)
    return [_log_share(value, low, high) for value in values]


def _log_share(value: float, low: float, high: float) -> float:
    if not math.isfinite(value):
        return 1.0
    if value <= 0:
        return 0.0
    return (math.log10(value) - low) / (high - low) if high > low else 1.0


def strip(
    values: Sequence[float], low: float, high: float, width: int, *, unicode: bool = True
) -> str:
    """Smallest, median and largest of the values as a band on the axis from `low` to `high`.

    >>> strip([0.2, 0.5, 0.9], 0.0, 1.0, 11)
    '  ├──●───┤ '
    """
    left, mark, right, line = "├●┤─" if unicode else "[o]-"
    good = sorted(finite(values))
    if not good:
        return " " * width
    middle = (
        good[len(good) // 2]
        if len(good) % 2
        else (good[len(good) // 2 - 1] + good[len(good) // 2]) / 2
    )
    places = [_column(v, low, high, width) for v in (good[0], middle, good[-1])]
    cells = [" "] * width
    cells[places[0] : places[2] + 1] = line * (places[2] - places[0] + 1)
    if places[0] < places[1]:
        cells[places[0]] = left
    if places[2] > places[1]:
        cells[places[2]] = right
    cells[places[1]] = mark
    return "".join(cells)


def _column(value: float, low: float, high: float, width: int) -> int:
    share = (value - low) / (high - low) if high > low else 0.5
    return min(width - 1, max(0, round(share * (width - 1))))


def sparkline(
    values: Sequence[float], low: float, high: float, width: int, *, unicode: bool = True
) -> str:
    """A curve in one line of characters; a non-finite value is "!" (or "×").

    >>> sparkline([0, 1, 2, 3], 0, 3, 4)
    '▁▃▆█'
    """
    heights = HEIGHTS if unicode else ASCII_HEIGHTS
    picked = (
        [values[i * (len(values) - 1) // max(1, width - 1)] for i in range(width)] if values else []
    )
    if 0 < len(values) < width:
        picked = list(values)
    return "".join(_height(v, low, high, heights, "×" if unicode else "!") for v in picked)


def _height(value: float, low: float, high: float, heights: str, broken: str) -> str:
    if not math.isfinite(value):
        return broken
    share = (value - low) / (high - low) if high > low else 0.0
    return heights[min(len(heights) - 1, max(0, round(share * (len(heights) - 1))))]


def dots(
    points: Sequence[tuple[float, float]], width: int, height: int, *, unicode: bool = True
) -> list[str]:
    """Points with coordinates from 0 to 1 (y upwards) on a canvas of characters.

    In Unicode a character holds 2 x 4 Braille dots, in ASCII one star.

    >>> dots([(0.0, 0.0), (1.0, 1.0)], 2, 1)
    ['⡀⠈']
    """
    across, down = (2, 4) if unicode else (1, 1)
    columns, rows = width * across, height * down
    lit = {
        (min(columns - 1, round(x * (columns - 1))), min(rows - 1, round((1 - y) * (rows - 1))))
        for x, y in points
        if 0 <= x <= 1 and 0 <= y <= 1
    }
    if not unicode:
        return ["".join("*" if (c, r) in lit else " " for c in range(columns)) for r in range(rows)]
    return ["".join(_braille(lit, c, r) for c in range(width)) for r in range(height)]


BRAILLE_BITS = ((0, 3), (1, 4), (2, 5), (6, 7))  # of a 2 x 4 cell, row by row


def _braille(lit: set[tuple[int, int]], column: int, row: int) -> str:
    bits = sum(
        1 << BRAILLE_BITS[dy][dx]
        for dy in range(4)
        for dx in range(2)
        if (2 * column + dx, 4 * row + dy) in lit
    )
    return chr(0x2800 + bits) if bits else " "
