"""Statistics by layer, before and after, lined up for tables, profiles and heat maps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchclinic.core import BatchFacts, Diagnosis, Repair, Series, Trace, TracedLayer
from torchclinic.core import trace as t
from torchclinic.render.numbers import finite, median, quantile
from torchclinic.render.words import shorten


@dataclass(frozen=True)
class Statistic:
    """How a statistic of a trace is shown.

    Attributes:
        name: Its name in a trace.
        label: In a word, for buttons.
        subject: In words, for titles.
        axis: What the axis says.
        log: Whether its scale is logarithmic.
        note: What it means, one sentence.
    """

    name: str
    label: str
    subject: str
    axis: str
    log: bool
    note: str


GRADIENT = Statistic(
    t.GRADIENT_RMS,
    "gradient",
    "gradient",
    "gradient RMS",
    True,
    "Root mean square of the loss's derivative by the layer's own parameters.",
)
OUTPUT_GRADIENT = Statistic(
    t.OUTPUT_GRADIENT_RMS,
    "gradient at the output",
    "gradient at the output",
    "output gradient RMS",
    True,
    "Root mean square of the loss's derivative by the layer's output.",
)
GRADIENT_NORM = Statistic(
    t.GRADIENT_NORM,
    "gradient norm",
    "gradient norm",
    "gradient norm",
    True,
    "Length of the loss's derivative by the layer's own parameters.",
)
SHOWN: tuple[Statistic, ...] = (
    GRADIENT,
    Statistic(
        t.UPDATE_RATIO,
        "update",
        "update",
        "update-to-weight ratio",
        True,
        "How far one step moves the weights, relative to their length; healthy is about 1e-3.",
    ),
    Statistic(
        t.ACTIVATION_STD,
        "activation",
        "spread of the activations",
        "activation standard deviation",
        True,
        "Spread of the layer's output, before the non-linearity that follows it.",
    ),
    Statistic(
        t.SATURATED_SHARE,
        "saturated",
        "saturated share",
        "saturated share",
        False,
        "Share of the layer's outputs that lie where the non-linearity is flat.",
    ),
    Statistic(
        t.SILENT_SHARE,
        "silent",
        "share of silent units",
        "silent share",
        False,
        "Share of the units that are zero on every sample.",
    ),
)


@dataclass(frozen=True)
class LayerRow:
    """One layer on both sides; a side without it has an empty Series."""

    name: str
    kind: str
    activation: str | None
    before: Series
    after: Series


@dataclass(frozen=True)
class Table:
    """One statistic of all layers, in forward order."""

    statistic: Statistic
    rows: tuple[LayerRow, ...]

    def has(self, arm: str) -> bool:
        """Whether any layer has a finite value on that side."""
        return any(finite(getattr(row, arm).values) for row in self.rows)

    def typical(self, arm: str) -> Mapping[str, float]:
        """Layer name -> median over time on that side, for layers that have a value."""
        found = {row.name: median(getattr(row, arm).values) for row in self.rows}
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def span(self, row: LayerRow, arm: str) -> tuple[float, float]:
        """The 10 % and 90 % quantiles over time of one row."""
        values = getattr(row, arm).values
        return quantile(values, 0.1), quantile(values, 0.9)


def table(statistic: Statistic, before: Trace | None, after: Trace | None) -> Table:
    """The statistic of every layer that has it on either side, in forward order.

    A repair may wrap a layer ("fc1" becomes "fc1.0" with a norm behind it); it is one row still,
    under the name it had before.
    """
    left = _by_name(before, statistic.name)
    right = _renamed(left, _by_name(after, statistic.name))
    rows = []
    for name in _merged(list(left), list(right)):
        layer = right.get(name) or left[name]
        rows.append(
            LayerRow(
                name,
                layer.kind,
                layer.activation,
                left[name][statistic.name] if name in left else Series(),
                right[name][statistic.name] if name in right else Series(),
            )
        )
    return Table(statistic, tuple(rows))


def _by_name(trace: Trace | None, statistic: str) -> dict[str, TracedLayer]:
    if trace is None:
        return {}
    return {layer.name: layer for layer in trace.layers if finite(layer[statistic].values)}


def _renamed(
    left: Mapping[str, TracedLayer], right: Mapping[str, TracedLayer]
) -> dict[str, TracedLayer]:
    """The right side under the left side's names, where a layer only moved into a wrapper."""
    names = {}
    for name, layer in left.items():
        if name in right:
            continue
        inside = [n for n, o in right.items() if n.startswith(f"{name}.") and o.kind == layer.kind]
        if inside and inside[0] not in left:
            names[inside[0]] = name
    return {names.get(name, name): layer for name, layer in right.items()}


def _merged(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """Both orders in one: a layer that only one side has stands after its predecessor there."""
    merged = list(left)
    for place, name in enumerate(right):
        if name in merged:
            continue
        before = [merged.index(other) for other in right[:place] if other in merged]
        merged.insert(max(before) + 1 if before else 0, name)
    return merged


def tables(before: Trace | None, after: Trace | None) -> tuple[Table, ...]:
    """Every statistic that has something to show: the gradient first."""
    found = [table(statistic, before, after) for statistic in SHOWN]
    if not found[0].rows:
        found[0] = next(
            (
                x
                for x in (table(s, before, after) for s in (OUTPUT_GRADIENT, GRADIENT_NORM))
                if x.rows
            ),
            found[0],
        )
    return tuple(x for x in found if x.rows and not _all_zero(x))


def _all_zero(shown: Table) -> bool:
    return not shown.statistic.log and not any(
        v for row in shown.rows for v in finite((*row.before.values, *row.after.values))
    )


def first_pass(batch: BatchFacts | None) -> Trace | None:
    """The readings of the first batch as a Trace of one step, step 0; None without readings."""
    if batch is None or not batch.layers:
        return None
    names = (*(s.name for s in SHOWN), t.OUTPUT_GRADIENT_RMS, t.GRADIENT_NORM)
    layers = []
    for order, reading in enumerate(batch.layers):
        values = {name: getattr(reading, name, None) for name in names}
        series = {
            name: Series((0,), (value,)) for name, value in values.items() if value is not None
        }
        layers.append(TracedLayer(reading.name, "", order, series=series))
    return Trace(layers=tuple(layers))


def faulty_trace(diagnosis: Diagnosis) -> Trace | None:
    """What is known of the layers of a diagnosed training: its trace, else its first batch."""
    case = diagnosis.case
    if case.trace is not None and case.trace.layers:
        return case.trace
    return first_pass(case.batch)


def traces(repair: Repair) -> tuple[Trace | None, Trace | None]:
    """The traces before and after: of the proof where watched, of the diagnosis otherwise."""
    before = next((run.trace for run in repair.before if run.trace and run.trace.layers), None)
    after = next((run.trace for run in repair.after if run.trace and run.trace.layers), None)
    return before or faulty_trace(repair.diagnosis), after


def labels(names: Sequence[str], width: int) -> list[str]:
    """Labels that still tell the layers apart when the names are too long for `width`.

    >>> labels(["net.blocks.0.mixer.linear", "net.blocks.1.mixer.linear"], 10)
    ['blocks.0', 'blocks.1']
    """
    if all(len(name) <= width for name in names) or len(names) < 2:
        return [shorten(name, width) for name in names]
    parts = [name.split(".") for name in names]
    shortest = min(map(len, parts))
    head = _common([part[: shortest - 1] for part in parts])
    tail = _common([part[: head - shortest : -1] if shortest > head else [] for part in parts])
    keep = max(0, head - 1)  # the last common part says what the number counts
    cut = [".".join(part[keep : len(part) - tail]) for part in parts]
    return [shorten(name, width) for name in (cut if len(set(cut)) == len(set(names)) else names)]


def _common(lists: Sequence[Sequence[str]]) -> int:
    """How many leading elements all lists share."""
    count = 0
    for column in zip(*lists, strict=False):
        if len(set(column)) > 1:
            break
        count += 1
    return count
