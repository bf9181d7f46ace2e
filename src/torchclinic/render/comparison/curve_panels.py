"""Which curves a study has, each with a title that says the finding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from torchclinic.core import StudyResult
from torchclinic.core.history import SplitName
from torchclinic.render.comparison.arms import ArmView
from torchclinic.render.comparison.bands import STRETCHES, Band, bands, stretch
from torchclinic.render.comparison.curve_figure import (
    curve_figure,
    end_decimals,
    leaves_out_the_start,
    shaded,
    values_scale,
)
from torchclinic.render.html.scales import raised
from torchclinic.render.words import listing, plural, score

Quantity = Literal["loss", "metric"]
WORDS: Mapping[SplitName, str] = {
    "validation": "validation",
    "test": "test",
    "train": "training",
}


@dataclass(frozen=True)
class CurveTab:
    """One plot behind a tab.

    Attributes:
        name: Of its panel.
        label: On its tab.
        title: The finding.
        note: How to read it.
        figure: The plot.
    """

    name: str
    label: str
    title: str
    note: str
    figure: Markup


def curve_tabs(
    result: StudyResult, arms: Sequence[ArmView], *, seeds: bool, points: int = STRETCHES
) -> tuple[CurveTab, ...]:
    """What the arms are judged by comes first, then the other curves.

    Args:
        result: The study.
        arms: Its arms, in the order of the legend.
        seeds: Whether each seed's line is drawn.
        points: Points of a line at most.
    """
    judged: Quantity = "metric" if _has_metric(result) else "loss"
    order = sorted(_kinds(result), key=lambda kind: (kind != (result.split, judged), kind[1]))
    return tuple(
        _tab(result, arms, split, quantity, seeds=seeds, points=points) for split, quantity in order
    )


def _has_metric(result: StudyResult) -> bool:
    return any(curve.quantity == "metric" for curve in result.curves)


def _kinds(result: StudyResult) -> list[tuple[SplitName, Quantity]]:
    """What has a curve of more than one point."""
    found: dict[tuple[SplitName, Quantity], None] = {
        (c.split, c.quantity): None for c in result.curves if len(c.points) > 1
    }
    return list(found)


def _tab(
    result: StudyResult,
    arms: Sequence[ArmView],
    split: SplitName,
    quantity: Quantity,
    *,
    seeds: bool,
    points: int,
) -> CurveTab:
    curves = [c for c in result.curves if (c.split, c.quantity) == (split, quantity)]
    width = stretch(curves, points)
    found = bands([view.arm.name for view in arms], curves, width)
    metric = quantity == "metric"
    label = f"{WORDS[split]} {result.metric if metric else 'loss'}"
    views = {view.arm.name: view for view in arms}
    title = _title(label, found, views, higher=result.higher_is_better if metric else False)
    return CurveTab(
        f"{split}-{quantity}",
        label,
        title,
        _note(found, width),
        curve_figure(found, views, label, title, seeds=seeds),
    )


def _title(label: str, found: Sequence[Band], views: Mapping[str, ArmView], *, higher: bool) -> str:
    """Which arm ends best and which worst."""
    ends = {one.arm: one.median.last for one in found if math.isfinite(one.median.last)}
    subject = label[:1].upper() + label[1:]
    if not ends:
        return f"{subject}: no arm has a finite value"
    sign = 1 if higher else -1
    order = sorted(ends, key=lambda arm: sign * ends[arm])
    decimals = end_decimals(list(ends.values()))

    def words(arm: str) -> str:
        return f"{raised(score(ends[arm], decimals))} in {views[arm].name}"

    if len(order) == 1:
        return f"{subject} ends at {words(order[0])}"
    return f"{subject} ends at {words(order[-1])}, and at {words(order[0])}"


def _note(found: Sequence[Band], width: int) -> str:
    """How to read the plot."""
    seeds = max((len(one.seeds) for one in found), default=0)
    parts = []
    if seeds > 1:
        parts.append(f"Line: median of {plural(seeds, 'seed')}")
    if shaded(found):
        parts.append("shaded: the middle half of them")
    if width > 1:
        parts.append(f"each point is the mean of {width} steps")
    if values_scale(found).log:
        parts.append("log scale")
    if leaves_out_the_start(found):
        parts.append("the first values lie outside of the axis")
    broken = [f"{one.broken} of {len(one.seeds)} of {one.arm}" for one in found if one.broken]
    if broken:
        parts.append(f"crosses: curves that stop being numbers ({listing(broken[:4])})")
    words = "; ".join(parts)
    return f"{words[:1].upper()}{words[1:]}." if words else ""
