"""Forest plot: the paired difference of each arm from the baseline, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from torchclinic.core import StudyComparison, StudyResult
from torchclinic.core.study import Judgement
from torchclinic.render.comparison.arms import ArmView
from torchclinic.render.comparison.flipping import against
from torchclinic.render.html.figures.strips import Axis, Kind, Mark, Row, strips
from torchclinic.render.html.scales import Scale, fitted, label, raised
from torchclinic.render.numbers import finite, median
from torchclinic.render.words import decimals_for, number, printable, score, signed

SIGNS = {"better": "▲", "worse": "▼", "inconclusive": "≈"}
SHAPES: Mapping[Judgement, Kind] = {"better": "diamond", "worse": "square", "inconclusive": "ring"}


@dataclass(frozen=True)
class ForestTab:
    """The comparisons with one arm.

    Attributes:
        key: Of that arm.
        name: Of that arm.
        baseline: Whether it is the baseline.
        family: Comparisons that were corrected together.
        figure: The plot.
    """

    key: str
    name: str
    baseline: bool
    family: int
    figure: Markup


def forest_tabs(
    result: StudyResult, views: Mapping[str, ArmView], *, others: bool
) -> tuple[ForestTab, ...]:
    """The comparisons with the baseline and, where all pairs were compared, with any other arm.

    Args:
        result: The study.
        views: Name -> arm.
        others: Whether any but the baseline are shown.
    """
    names = [result.baseline, *(name for name in views if name != result.baseline)]
    found = ((views[name], against(result, name)) for name in names if name in views)
    return tuple(
        ForestTab(
            view.key, view.name, view.arm.baseline, ones[0].family, forest(result, view, views)
        )
        for view, ones in found
        if ones and (others or view.arm.baseline)
    )


def differences(result: StudyResult, arm: str) -> list[StudyComparison]:
    """The comparisons with an arm, the largest gain first."""
    sign = -1 if result.higher_is_better else 1

    def place(one: StudyComparison) -> tuple[bool, float]:
        mean = one.comparison.mean_difference
        return not math.isfinite(mean), sign * mean if math.isfinite(mean) else 0.0

    return sorted(against(result, arm), key=place)


def forest(result: StudyResult, base: ArmView, views: Mapping[str, ArmView]) -> Markup:
    """One row an arm: a dot a pair of runs, a mark for the mean, a bar for its interval.

    Args:
        result: The study.
        base: With what the others are compared.
        views: Name -> arm.
    """
    found = differences(result, base.arm.name)
    percent = number(100 * result.confidence)
    decimals = gain_decimals(found)
    return strips(
        [_row(one, views[one.after], decimals) for one in found],
        Axis(
            _scale(found),
            f"difference of {printable(result.metric)} from {base.name}; dashed: none",
            reference=0.0,
        ),
        title=f"Mean paired difference of each arm with its {percent} % interval",
        head="arm",
        columns=("mean", f"{percent} % interval", "Holm p", "wins", "verdict"),
        height=38,
    )


def _numbers(one: StudyComparison) -> tuple[float, float, float]:
    return one.comparison.mean_difference, one.comparison.low, one.comparison.high


def _gains(one: StudyComparison) -> list[float]:
    pairs = zip(one.comparison.before, one.comparison.after, strict=True)
    return [after - before for before, after in pairs]


def _scale(found: Sequence[StudyComparison]) -> Scale:
    shown = (v for one in found for v in (*_numbers(one), *_gains(one)))
    return fitted([*finite(shown), 0.0], log=False)


def _row(one: StudyComparison, view: ArmView, decimals: int | None) -> Row:
    found = one.comparison
    dots = [
        Mark("small", gain, one.judgement, tip=f"seed {seed}: {signed(gain)}")
        for gain, seed in zip(_gains(one), found.seeds, strict=True)
    ]
    mean = found.mean_difference
    lost = max(found.diverged)
    return Row(
        view.name,
        (
            Mark("range", found.low, f"wide {one.judgement}", found.high),
            *dots,
            Mark(SHAPES[one.judgement], mean, one.judgement, tip=f"mean {label(mean)}"),
        ),
        (
            gain_words(mean, decimals),
            interval_words(one, decimals),
            raised(p_words(one.holm_p)),
            wins(one),
            f"{SIGNS[one.judgement]} {one.judgement}",
        ),
        sub=f"{lost} of {len(found.seeds)} runs diverged" if lost else "",
        tip=view.name,
        class_=f"{view.key} {one.judgement}",
    )


def gain_words(value: float, decimals: int | None) -> str:
    """A difference with its sign.

    >>> gain_words(0.0123, 3), gain_words(-0.5, 3), gain_words(float("nan"), 3)
    ('+0.012', '-0.500', '–')
    """
    if not math.isfinite(value):
        return "–"
    return raised(("+" if value > 0 else "") + score(value, decimals))


def interval_words(one: StudyComparison, decimals: int | None) -> str:
    """The interval of a mean difference, a dash where there is none."""
    found = one.comparison
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return "–"
    low, high = (raised(score(end, decimals)) for end in (found.low, found.high))
    return f"[{low}, {high}]"


def gain_decimals(found: Sequence[StudyComparison]) -> int | None:
    """Decimals that show the differences and their intervals alike, by a usual one's size."""
    usual = median(abs(v) for one in found for v in _numbers(one))
    return decimals_for([usual]) if math.isfinite(usual) else None


def wins(one: StudyComparison) -> str:
    """In how many pairs the arm is ahead; a tie is half a win."""
    count = one.comparison.superiority * len(one.comparison.seeds)
    return f"{number(count)} of {len(one.comparison.seeds)}"


def p_words(p: float) -> str:
    """A p-value.

    >>> p_words(0.03125), p_words(0.00004), p_words(1.0)
    ('0.031', '< 0.001', '1')
    """
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else number(p, 2)
