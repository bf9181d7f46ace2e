"""Tables that a reader can sort: the arms, and all pairs of arms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchclinic.core import StudyComparison, StudyResult
from torchclinic.render.comparison.arms import ArmView
from torchclinic.render.comparison.forest import (
    SIGNS,
    gain_decimals,
    gain_words,
    interval_words,
    p_words,
    wins,
)
from torchclinic.render.comparison.seed_scores import trouble
from torchclinic.render.html.scales import label, raised
from torchclinic.render.words import decimals_for, number, printable, score, seconds


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, and by what it is sorted (None for the text itself)."""

    text: str
    value: float | None = None

    @property
    def sort(self) -> str:
        """The value for a script; empty where there is none, which sorts last."""
        if self.value is None:
            return self.text
        return repr(float(self.value)) if math.isfinite(self.value) else ""


@dataclass(frozen=True)
class Column:
    """A column's heading, and whether it holds numbers."""

    name: str
    numeric: bool = True


@dataclass(frozen=True)
class TableRow:
    """One row; `class_` ties it to its arms."""

    class_: str
    cells: tuple[Cell, ...]
    style: str = ""
    badge: str = ""
    sub: str = ""


@dataclass(frozen=True)
class SortTable:
    """A table; its first column names the rows."""

    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]


def arms_table(result: StudyResult, views: Sequence[ArmView]) -> SortTable:
    """One row an arm, the best first."""
    percent = number(100 * result.confidence)
    rows = [view.row for view in views if view.row is not None]
    decimals = decimals_for([v for row in rows for v in (row.mean, row.median)])
    shares = any(math.isfinite(row.best_share) for row in rows)
    columns = [
        Column("arm", numeric=False),
        Column(f"mean {printable(result.metric)}"),
        Column(f"{percent} % interval"),
        Column("median"),
        Column("std"),
        Column("n"),
        *([Column("best in")] if shares else []),
        Column("steps"),
        Column("time a run"),
        Column("trouble", numeric=False),
    ]
    found = [_arm_row(view, decimals, shares=shares) for view in views]
    return SortTable(tuple(columns), tuple(row for row in found if row is not None))


def _arm_row(view: ArmView, decimals: int | None, *, shares: bool) -> TableRow | None:
    row = view.row
    if row is None:
        return None
    known = math.isfinite(row.low) and math.isfinite(row.high)
    interval = f"[{_score(row.low, decimals)}, {_score(row.high, decimals)}]" if known else "–"
    cells = [
        Cell(view.name),
        Cell(_score(row.mean, decimals), row.mean),
        Cell(interval, row.low),
        Cell(_score(row.median, decimals), row.median),
        Cell(label(row.std) if math.isfinite(row.std) else "–", row.std),
        Cell(str(row.n), row.n),
        *([Cell(_share(row.best_share), row.best_share)] if shares else []),
        Cell(f"{row.steps:,}", row.steps),
        Cell(seconds(row.seconds) if math.isfinite(row.seconds) else "–", row.seconds),
        Cell(trouble(view) or "none"),
    ]
    return TableRow(view.key, tuple(cells), view.style, view.badge, printable(view.arm.changes))


def pairs_table(result: StudyResult, views: Mapping[str, ArmView]) -> SortTable | None:
    """One row a pair of arms; None when not all pairs were compared."""
    if not result.pairs:
        return None
    percent, decimals = number(100 * result.confidence), gain_decimals(result.pairs)
    names = ("mean difference", f"{percent} % interval", "Holm p", "Wilcoxon Holm p", "d_z", "wins")
    columns = (
        Column("arm", numeric=False),
        Column("against", numeric=False),
        *map(Column, names),
        Column("verdict", numeric=False),
    )
    return SortTable(columns, tuple(_pair_row(one, views, decimals) for one in result.pairs))


def _pair_row(one: StudyComparison, views: Mapping[str, ArmView], decimals: int | None) -> TableRow:
    found = one.comparison
    after, before = views[one.after], views[one.before]
    cells = (
        Cell(after.name),
        Cell(before.name),
        Cell(gain_words(found.mean_difference, decimals), found.mean_difference),
        Cell(interval_words(one, decimals), found.low),
        Cell(raised(p_words(one.holm_p)), one.holm_p),
        Cell(raised(p_words(one.wilcoxon_holm_p)), one.wilcoxon_holm_p),
        Cell(number(found.effect_size, 2), found.effect_size),
        Cell(wins(one), found.superiority),
        Cell(f"{SIGNS[one.judgement]} {one.judgement}"),
    )
    return TableRow(f"{after.key} {before.key}", cells)


def _score(value: float, decimals: int | None) -> str:
    return raised(score(value, decimals)) if math.isfinite(value) else "–"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if math.isfinite(value) else "–"
