"""The curves of a study with bands over the seeds, and its paired differences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from torchclinic.core import StudyArm, StudyResult, UsageError
from torchclinic.core.history import SplitName
from torchclinic.study.exporting.needs import need
from torchclinic.study.showing.bands import Quantity, band

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which most people with a colour vision deficiency can tell apart.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_LINES = ("-", "--", ":", "-.")  # told apart without colours, too
_BAND = 0.18  # opacity
_SPLITS: tuple[SplitName, ...] = ("validation", "test", "train")


def plot_study(result: StudyResult, *, split: str | None = None, quantity: str = "auto") -> Figure:
    """Two pictures side by side: curves, and differences to the baseline with their intervals.

    A line is the mean over the seeds, its band reaches from the lowest to the highest seed.

    Args:
        result: The study.
        split: Part of the data; None for the first of validation, test, train that has curves.
        quantity: "loss", "metric", or "auto" for what arms are judged by.

    Raises:
        UsageError: When matplotlib is not installed or there is no such curve.
    """
    need("matplotlib", "plots")
    from matplotlib.figure import Figure

    part, shown = _chosen(result, split, quantity)
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    curves, forest = figure.subplots(1, 2, width_ratios=(3, 2))
    for arm in result.arms:
        _draw_arm(curves, result, arm, part, shown)
    name = result.metric if shown == "metric" else "loss"
    curves.set(xlabel="step", ylabel=f"{part} {name}", title=result.name)
    if result.arms:
        curves.legend(frameon=False, fontsize="small")
    _draw_differences(forest, result)
    return figure


def _chosen(result: StudyResult, split: str | None, quantity: str) -> tuple[SplitName, Quantity]:
    judged: Quantity = "loss" if result.metric == "loss" else "metric"
    shown = judged if quantity == "auto" else quantity
    there = {(curve.split, curve.quantity) for curve in result.curves}
    wanted = _SPLITS if split is None else (split,)
    fallback: tuple[str, ...] = (shown, "loss") if quantity == "auto" else (shown,)
    for kind in fallback:
        for part in wanted:
            if (part, kind) in there:
                return cast("SplitName", part), cast("Quantity", kind)
    have = ", ".join(sorted(f"{part} {kind}" for part, kind in there)) or "none at all"
    raise UsageError(
        f"there are no curves of {shown!r} on {split or 'any part'!r}", hint=f"there are: {have}"
    )


def _draw_arm(
    axes: Axes, result: StudyResult, arm: StudyArm, split: SplitName, quantity: Quantity
) -> None:
    steps, mean, low, high = band(result, arm.name, split, quantity)
    if not len(steps):
        return
    style: dict[str, Any] = {"color": COLORS[arm.color % len(COLORS)]}
    line = _LINES[arm.color // len(COLORS) % len(_LINES)]
    axes.plot(steps, mean, line, label=arm.name, marker="." if len(steps) == 1 else None, **style)
    axes.fill_between(steps, low, high, alpha=_BAND, linewidth=0, **style)


def _draw_differences(axes: Axes, result: StudyResult) -> None:
    colors = {arm.name: COLORS[arm.color % len(COLORS)] for arm in result.arms}
    axes.axvline(0.0, color="0.6", linewidth=1)
    names: list[str] = []
    for place, found in enumerate(result.against_baseline):
        c = found.comparison
        if math.isfinite(c.low) and math.isfinite(c.high):
            axes.plot([c.low, c.high], [place, place], color=colors[found.after])
        axes.plot([c.mean_difference], [place], "o", color=colors[found.after])
        names.append(f"{found.after}\n{found.judgement}")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    way = "right" if result.higher_is_better else "left"
    axes.set_title(f"difference to {result.baseline}", fontsize="medium")
    axes.set_xlabel(f"{result.metric}; better to the {way}")
