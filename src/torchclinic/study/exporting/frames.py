"""The parts of a study as columns, and as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from torchclinic.core import StudyComparison, StudyResult, UsageError
from torchclinic.study.exporting.needs import need

if TYPE_CHECKING:
    from pandas import DataFrame

Row = Mapping[str, Any]


def columns(result: StudyResult, part: str) -> dict[str, list[Any]]:
    """Name of a column -> its values.

    Args:
        result: The study.
        part: "runs" (a row a run), "curves" (a row a point), "table" (a row an arm) or
            "comparisons" (a row a pair of arms).

    Raises:
        UsageError: When there is no such part.
    """
    if part not in _PARTS:
        raise UsageError(f"there is no part {part!r}", hint=f"one of {', '.join(_PARTS)}")
    rows = list(_PARTS[part](result))
    names = rows[0].keys() if rows else ()
    return {name: [row[name] for row in rows] for name in names}


def to_frame(result: StudyResult, part: str) -> DataFrame:
    """The same as a DataFrame.

    Raises:
        UsageError: When pandas is not installed, or there is no such part.
    """
    need("pandas", "tables")
    from pandas import DataFrame

    return DataFrame(columns(result, part))


def _runs(result: StudyResult) -> Iterator[Row]:
    return (asdict(run) for run in result.runs)


def _curves(result: StudyResult) -> Iterator[Row]:
    for curve in result.curves:
        for step, value in curve.points:
            yield {
                "arm": curve.arm,
                "seed": curve.seed,
                "split": curve.split,
                "quantity": curve.quantity,
                "step": step,
                "value": value,
            }


def _table(result: StudyResult) -> Iterator[Row]:
    changes = {arm.name: arm.changes for arm in result.arms}
    return ({**asdict(row), "changes": changes.get(row.arm, "")} for row in result.rows)


def _comparisons(result: StudyResult) -> Iterator[Row]:
    for family, found in (("baseline", result.against_baseline), ("pairs", result.pairs)):
        for comparison in found:
            yield {"corrected_with": family, **_flat(comparison)}


def _flat(c: StudyComparison) -> Row:
    paired = c.comparison
    return {
        "before": c.before,
        "after": c.after,
        "n": len(paired.seeds),
        "difference": paired.mean_difference,
        "low": paired.low,
        "high": paired.high,
        "sign_flip_p": paired.p_value,
        "holm_p": c.holm_p,
        "wilcoxon_p": c.wilcoxon_p,
        "wilcoxon_holm_p": c.wilcoxon_holm_p,
        "family": c.family,
        "effect_size": paired.effect_size,
        "superiority": paired.superiority,
        "judgement": c.judgement,
        "sentence": c.sentence,
    }


_PARTS: Mapping[str, Callable[[StudyResult], Iterator[Row]]] = {
    "runs": _runs,
    "curves": _curves,
    "table": _table,
    "comparisons": _comparisons,
}
