"""From stored readings to one Series for each layer and statistic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import nn

from torchclinic.core.trace import NONFINITE, Series
from torchclinic.probes.probe import Need, Probe
from torchclinic.probes.samples import Norms
from torchclinic.watch.columns import Columns, Role, Row
from torchclinic.watch.layer_norms import NEEDS, LayerNorms, Parts
from torchclinic.watch.target import Target


@dataclass
class _Points:
    """Values of one statistic, in any order."""

    steps: list[int] = field(default_factory=list[int])
    values: list[float] = field(default_factory=list[float])

    def add(self, steps: np.ndarray, values: np.ndarray) -> None:
        """Append values with their steps."""
        self.steps.extend(steps.tolist())
        self.values.extend(values.tolist())

    def series(self) -> Series:
        """In the order of steps; what was counted in several parts of a step is added up."""
        sums: dict[int, float] = defaultdict(float)
        for step, value in zip(self.steps, self.values, strict=True):
            sums[step] += value
        steps = sorted(sums)
        return Series(tuple(steps), tuple(sums[step] for step in steps))


class Merged:
    """The Series of all layers, from the rows of a store.

    Args:
        rows: The readings.
        targets: The layers, in the order of their numbers.
        parameters: The model's parameters, in the order of their numbers.
        probes: What was read.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        targets: Sequence[Target],
        parameters: Sequence[nn.Parameter],
        probes: Sequence[Probe],
    ) -> None:
        self._points: dict[tuple[int, str], _Points] = defaultdict(_Points)
        self._total = _Points()
        self._targets = targets
        self._layer_norms = LayerNorms(targets, parameters)
        self._probes = [probe for probe in probes if probe.need in NEEDS]
        by_columns: dict[tuple[Columns, ...], list[Row]] = defaultdict(list)
        for row in rows:
            by_columns[tuple(row.columns)].append(row)
        for columns, alike in by_columns.items():
            self._merge(columns, alike)
        if any(probe.name == NONFINITE for probe in probes):
            self._vouch()

    def of(self, target: Target) -> dict[str, Series]:
        """Statistic -> Series of a layer, those that have values."""
        mine = [(name, p) for (number, name), p in self._points.items() if number == target.index]
        return {name: points.series() for name, points in mine if points.steps}

    def total(self) -> Series:
        """Norm of the gradient of all parameters."""
        return self._total.series()

    def _merge(self, columns: tuple[Columns, ...], rows: list[Row]) -> None:
        """Take over the readings whose numbers mean the same."""
        steps = np.array([row.step for row in rows])
        parts: Parts = {}
        for place, part in enumerate(columns):
            block = np.stack([row.values[place] for row in rows]).astype(np.float64)
            if part.role is Role.LAYER:
                self._merge_layers(part, steps, block)
            else:
                parts[part.role] = part, block
        self._merge_norms(steps, parts)

    def _merge_layers(self, part: Columns, steps: np.ndarray, block: np.ndarray) -> None:
        for place, number in enumerate(part.numbers):
            if number >= 0:
                self._points[number, part.statistics[place]].add(steps, block[:, place])

    def _merge_norms(self, steps: np.ndarray, parts: Parts) -> None:
        if Role.GRADIENT in parts:
            self._total.add(steps, np.linalg.norm(parts[Role.GRADIENT][1], axis=1))
        for probe in self._probes:
            layers, norms = self._layer_norms.sample(probe.need, parts)
            if layers:
                try:
                    values = probe.read(norms).numpy()
                except Exception as error:  # noqa: BLE001 - a probe never ends a training
                    for target in self._targets:
                        target.fail(probe.name, error)
                else:
                    self._add_norms(probe, layers, steps, norms, values)

    def _add_norms(
        self,
        probe: Probe,
        layers: list[int],
        steps: np.ndarray,
        norms: Norms,
        values: np.ndarray,
    ) -> None:
        for place, number in enumerate(layers):
            if not probe.why_not(self._targets[number].probed()):
                # weights that are all zero have no ratio
                defined = norms.weight[:, place].numpy() != 0
                kept = defined if probe.need is Need.UPDATE else slice(None)
                self._points[number, probe.name].add(steps[kept], values[kept, place])

    def _vouch(self) -> None:
        """Where elements were not counted one by one, a finite sum has vouched for them."""
        read: dict[int, set[int]] = defaultdict(set)
        for (number, _), points in self._points.items():
            read[number].update(points.steps)
        for number, steps in read.items():
            counts = self._points[number, NONFINITE]
            missing = np.array(sorted(steps.difference(counts.steps)), dtype=np.int64)
            counts.add(missing, np.zeros(len(missing)))
