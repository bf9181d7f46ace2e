"""The layers: one panel a statistic, with its profile and its heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from torchclinic.core import Diagnosis, Repair, Trace
from torchclinic.render.html.figures.heat import heat, legend
from torchclinic.render.html.figures.profile import profile, scale
from torchclinic.render.layers import Table, faulty_trace, tables
from torchclinic.render.numbers import finite
from torchclinic.render.story import layers_title

WORDS = {"before": "Before: the faulty recipe", "after": "After: the repaired recipe"}


@dataclass(frozen=True)
class Source:
    """A trace and where it lies in the embedded document."""

    trace: Trace
    path: tuple[str | int, ...]


@dataclass(frozen=True)
class HeatMap:
    """One heat map with its heading."""

    heading: str
    figure: Markup


@dataclass(frozen=True)
class LayerPanel:
    """What one tab shows."""

    name: str
    label: str
    title: str
    note: str
    profile: Markup
    maps: tuple[HeatMap, ...]
    legend: Markup


def repair_sources(repair: Repair) -> tuple[Source | None, Source | None]:
    """The traces of a repair before and after, with their places in the document."""
    before = _of_runs(repair, "before") or diagnosis_source(repair.diagnosis, ("diagnosis",))
    return before, _of_runs(repair, "after")


def _of_runs(repair: Repair, arm: str) -> Source | None:
    for place, run in enumerate(getattr(repair, arm)):
        if run.trace is not None and run.trace.layers:
            return Source(run.trace, (arm, place, "trace"))
    return None


def diagnosis_source(diagnosis: Diagnosis, path: tuple[str | int, ...] = ()) -> Source | None:
    """The trace of a diagnosis, or what its first batch shows."""
    trace = faulty_trace(diagnosis)
    return None if trace is None else Source(trace, (*path, "facts", "trace"))


def layer_panels(
    before: Source | None, after: Source | None, *, columns: int, rows: int
) -> tuple[LayerPanel, ...]:
    """A panel for each statistic that was read.

    Args:
        before: The faulty side.
        after: The repaired side.
        columns: Readings of a heat map at most.
        rows: Rows of a profile at most.
    """
    shown = tables(before.trace if before else None, after.trace if after else None)
    sides = [("before", before), ("after", after)]
    return tuple(_panel(one, sides, columns, rows) for one in shown)


def _panel(
    shown: Table, sides: Sequence[tuple[str, Source | None]], columns: int, rows: int
) -> LayerPanel:
    known = sum(source is not None for _, source in sides)
    title = layers_title(shown, sides=known)
    axis = scale(shown)
    maps = [
        HeatMap(
            "Over time" if known == 1 else WORDS[arm],
            heat(
                source.trace.layers,
                shown.statistic.name,
                axis,
                title=f"{shown.statistic.axis} of each layer over the steps, {arm}",
                source=source.path,
                columns=columns,
            ),
        )
        for arm, source in sides
        if source is not None and _moves(source.trace, shown.statistic.name)
    ]
    every = [v for row in shown.rows for v in (*row.before.values, *row.after.values)]
    return LayerPanel(
        shown.statistic.name.replace("_", "-"),
        shown.statistic.label,
        title,
        shown.statistic.note,
        profile(shown, title, compared=known > 1, most=rows),
        tuple(maps),
        legend(axis, shown.statistic.axis, broken=len(finite(every)) < len(every)),
    )


def _moves(trace: Trace, statistic: str) -> bool:
    """Whether there is more than one reading to draw over time."""
    return any(len(layer[statistic]) > 1 for layer in trace.layers)
