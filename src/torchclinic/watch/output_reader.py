"""Reads the probes of outputs and of gradients at outputs: all layers and several steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from torchclinic.probes.probe import Need, Probe
from torchclinic.probes.samples import Elements, OutputSample
from torchclinic.watch.columns import Columns, Row, probe_columns
from torchclinic.watch.groups import Group, group
from torchclinic.watch.seen import Seen
from torchclinic.watch.silence_reader import SilenceReader

# More steps at once would leave the second-level cache between one operation and the next.
_STEPS_TOGETHER = 8


@dataclass
class Held:
    """What was seen in a step, until it is read.

    Attributes:
        row: Where the numbers go.
        calls: One a layer.
        scale: What the loss, and so each gradient, was multiplied by; None for nothing.
    """

    row: Row
    calls: list[Seen]
    scale: Tensor | None = None

    def key(self) -> object:
        """Steps with the same key can be read together."""
        shapes = [(c.target, _shape(c.sample), _shape(c.gradient)) for c in self.calls]
        return (self.scale is None, *shapes)

    def looks(self) -> object:
        """A cheaper key: steps that differ in it cannot be read together, others nearly always."""
        calls = self.calls
        ends = (_shape(calls[0].sample), _shape(calls[-1].sample)) if calls else ()
        return ([call.target for call in calls], ends, self.scale is None)


@dataclass
class _Plan:
    """How to read steps of one key; `maxima`: whether some were taken when outputs were seen."""

    outputs: list[Group]
    gradients: list[Group]
    maxima: bool
    joined: dict[tuple[Columns, ...], Columns] = field(default_factory=dict)  # type: ignore[arg-type]


class OutputReader:
    """Stacks what the hooks saw and lets the probes read it.

    Args:
        probes: The probes that are to be read.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._outputs = [p for p in probes if p.need is Need.OUTPUT]
        self._gradients = [p for p in probes if p.need is Need.OUTPUT_GRADIENT]
        self._elements = [p for p in probes if p.need is Need.ELEMENTS]
        self._silence = SilenceReader([p for p in probes if p.need is Need.UNIT_MAXIMA])
        self._plans: dict[object, _Plan] = {}

    def read(self, held: Sequence[Held]) -> None:
        """Read steps in order; those in a row that look alike are read together."""
        start = 0
        looks = [step.looks() for step in held]
        for end in range(1, len(held) + 1):
            full = end - start == _STEPS_TOGETHER
            if full or end == len(held) or looks[end] != looks[start]:
                self._read(held[start:end])
                start = end

    def _read(self, held: Sequence[Held]) -> None:
        plan = self._plan(held[0])
        samples = [[call.sample for call in step.calls] for step in held]
        gradients = [[call.gradient for call in step.calls] for step in held]
        try:
            stacks = [one.stack(samples) for one in plan.outputs]
            gradient_stacks = [one.stack(gradients) for one in plan.gradients]
        except (RuntimeError, TypeError):  # they only looked alike
            if len(held) == 1:
                raise
            for step in held:
                self._read([step])
            return
        parts: list[tuple[Columns, Tensor]] = []
        for one, stack in zip(plan.outputs, stacks, strict=True):
            parts += self._read_outputs(one, stack, held)
        if plan.maxima:
            self._maxima_of_calls(held)
        for one, stack in zip(plan.gradients, gradient_stacks, strict=True):
            sample = OutputSample(_unscaled(stack.flatten(1), held))
            parts += one.read(sample, len(held))
        _add(plan, parts, held)

    def _read_outputs(
        self, one: Group, stack: Tensor, held: Sequence[Held]
    ) -> list[tuple[Columns, Tensor]]:
        steps, layers = len(held), len(one.targets)
        flat = stack.view(steps * layers, -1)
        thresholds = one.saturated_at
        sample = OutputSample(flat, None if thresholds is None else thresholds.repeat(steps, 1))
        parts = one.read(sample, steps)
        if stack.ndim > 2 and self._silence.wants(one.targets, stack.device):
            unit_dim = one.targets[0].unit_dim % (stack.ndim - 1) + 1
            others = tuple([d for d in range(1, stack.ndim) if d != unit_dim])
            maxima = stack.amax(others).view(steps, layers, -1)
            self._silence.read(one.targets, maxima, stack.shape[1], [step.row for step in held])
        if self._elements and not vouched([values for _, values in parts]):
            parts += self._count(one, flat, steps)
        return parts

    def _count(self, one: Group, flat: Tensor, steps: int) -> list[tuple[Columns, Tensor]]:
        counting = [(p, c) for p in self._elements if (c := probe_columns(p, one.targets))]
        counter = Group(one.places, one.targets, counting)
        return counter.read(Elements(tuple((row,) for row in flat)), steps)  # type: ignore[arg-type]

    def _maxima_of_calls(self, held: Sequence[Held]) -> None:
        """Maxima that were taken when the output was seen."""
        for step in held:
            for call in step.calls:
                if call.maxima is not None:
                    maxima = call.maxima.view(1, 1, -1)
                    self._silence.read([call.target], maxima, call.rows, [step.row])

    def _plan(self, step: Held) -> _Plan:
        key = step.key()
        plan = self._plans.get(key)
        if plan is None:
            targets = [call.target for call in step.calls]
            plan = self._plans[key] = _Plan(
                group(targets, [call.sample for call in step.calls], self._outputs),
                group(targets, [call.gradient for call in step.calls], self._gradients),
                any(call.maxima is not None for call in step.calls),
            )
        return plan


def vouched(values: Sequence[Tensor]) -> bool:
    """Whether a finite sum says that all elements were finite.

    On a CPU reading one number costs nothing. Elsewhere it would wait for the device, so that
    nothing is vouched for and elements are always counted.
    """
    if not values or not values[0].is_cpu:
        return False
    return all(isfinite(part.sum().item()) for part in values)


def _add(plan: _Plan, parts: list[tuple[Columns, Tensor]], held: Sequence[Held]) -> None:
    """Give each step its row of the numbers."""
    if not parts:
        return
    key = tuple([columns for columns, _ in parts])
    columns = plan.joined.get(key)
    if columns is None:
        columns = plan.joined[key] = Columns.joined(key)
    numbers = torch.cat([values.to(parts[0][1].device) for _, values in parts], dim=1)
    for step, values in zip(held, numbers.numpy() if numbers.is_cpu else numbers, strict=True):
        step.row.add(columns, values)


def _unscaled(flat: Tensor, held: Sequence[Held]) -> Tensor:
    """Gradients without the factor that a GradScaler put into the loss."""
    scales = [step.scale for step in held if step.scale is not None]
    if not scales:
        return flat
    layers = len(flat) // len(held)
    return flat / torch.stack(scales).to(flat).repeat_interleave(layers).unsqueeze(1)


def _shape(tensor: Tensor | None) -> torch.Size | None:
    return None if tensor is None else tensor.shape
