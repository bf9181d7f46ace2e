"""The table of a study, as text and as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from torchclinic.core import StudyResult, StudyRow
from torchclinic.study.wording import decimals_for, number

WIDTH = 80
_HEAD = ("arm", "mean", "interval", "median", "n", "s/run", "best", "verdict")
_LEFT = (0, 7)  # columns that are not numbers
_NARROWEST_ARM = 8


class Table:
    """A row an arm; prints in 80 columns.

    Args:
        result: The study.
        width: Columns of text.

    Attributes:
        rows: The cells as text, without the head.
    """

    def __init__(self, result: StudyResult, *, width: int = WIDTH) -> None:
        self._result = result
        self._width = width
        decimals = _decimals(result.rows)
        said = {c.after: c.judgement for c in result.against_baseline}
        said[result.baseline] = "baseline"
        self.rows = [_cells(row, decimals, said.get(row.arm, "")) for row in result.rows]

    def __str__(self) -> str:
        title = f"{self._result.metric} ({self._result.split})"
        way = "higher" if self._result.higher_is_better else "lower"
        seeds = len(self._result.seeds)
        level = f"{100 * self._result.confidence:g} %"
        head = f"{title}, {way} is better, {seeds} seeds, {level} intervals"
        return "\n".join([head, *_lines(self.rows, self._width)])

    def __repr__(self) -> str:
        return str(self)

    def markdown(self) -> str:
        """The same as a table in Markdown, for a document."""
        marks = ["---" if place in _LEFT else "--:" for place in range(len(_HEAD))]
        cells = [_HEAD, marks, *([cell.replace("|", "\\|") for cell in row] for row in self.rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in _HEAD)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: StudyRow, decimals: int, verdict: str) -> list[str]:
    wrong = [
        f"{count} {word}"
        for count, word in (
            (row.diverged, "diverged"),
            (row.failed, "failed"),
            (row.missing, "missing"),
        )
        if count
    ]
    finite = row.n > 0
    return [
        row.arm,
        number(row.mean, decimals) if finite else "-",
        f"[{number(row.low, decimals)}, {number(row.high, decimals)}]" if row.n > 1 else "-",
        number(row.median, decimals) if finite else "-",
        str(row.n),
        "-" if math.isnan(row.seconds) else _seconds(row.seconds),
        "-" if math.isnan(row.best_share) else f"{100 * row.best_share:.0f}%",
        ", ".join([verdict, *wrong] if verdict else wrong),
    ]


def _seconds(value: float) -> str:
    """Two digits, and all of a large number.

    >>> _seconds(0.0123), _seconds(132.4)
    ('0.012', '132')
    """
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _decimals(rows: Sequence[StudyRow]) -> int:
    """Two digits of the narrowest interval, so that neighbours can be told apart."""
    widths = [row.high - row.low for row in rows if row.n > 1 and math.isfinite(row.high)]
    return min(6, max((decimals_for(w / 2) for w in widths if w > 0), default=3))


def _lines(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    columns = list(zip(_HEAD, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    spare = width - sum(widths) - 2 * (len(widths) - 1)
    widths[0] = max(min(widths[0], widths[0] + spare), _NARROWEST_ARM)
    lines = [_line(row, widths) for row in (_HEAD, *rows)]
    return [lines[0], "-" * min(width, max(map(len, lines))), *lines[1:]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        _cut(cell, wide).ljust(wide) if place in _LEFT else cell.rjust(wide)
        for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 2]}.."
