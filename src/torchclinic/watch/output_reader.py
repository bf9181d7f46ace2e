"""Reads the probes of outputs and of gradients at outputs: all layers and several steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from torchclinic.probes.probe import Need, Probe
from torchclinic.watch.columns import Row
from torchclinic.watch.elements import read_elements
from torchclinic.watch.groups import Group, ProbeError, group
from torchclinic.watch.held import Held, alike
from torchclinic.watch.silence_reader import SilenceReader

_Tensors = list[list[Tensor | None]]


@dataclass
class _Plan:
    """How to read steps of one key."""

    outputs: list[Group]
    gradients: list[Group]


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
        for steps in alike([step for step in held if step.calls]):
            self._read(steps)

    def _read(self, held: Sequence[Held]) -> None:
        plan = self._plan(held[0])
        rows = [step.row for step in held]
        samples = [[call.sample for call in step.calls] for step in held]
        for one in plan.outputs:
            self._read_outputs(one, samples, rows)
        self._read_maxima(held)
        gradients = [[call.gradient for call in step.calls] for step in held]
        scales = [step.scale for step in held if step.scale is not None]
        for one in plan.gradients:
            numbers, _ = _read(one, gradients, torch.stack(scales) if scales else None, ())
            _add(one, numbers, rows)

    def _read_outputs(self, one: Group, samples: _Tensors, rows: list[Row]) -> None:
        first = samples[0][one.places[0]]
        assert first is not None
        others = self._silence.dims_over(one.targets, first)
        numbers, maxima = _read(one, samples, None, others)
        _add(one, numbers, rows)
        if maxima:
            shaped = torch.cat(maxima).view(len(rows), len(one.targets), -1)
            self._silence.read(one.targets, shaped, first.shape[0], rows)
        if self._elements and not vouched(numbers):
            self._count(one, samples, rows)

    def _read_maxima(self, held: Sequence[Held]) -> None:
        """Maxima that were taken when the output was seen."""
        for step in held:
            for call in step.calls:
                if call.maxima is not None:
                    maxima = call.maxima.view(1, 1, -1)
                    self._silence.read([call.target], maxima, call.rows, [step.row])

    def _count(self, one: Group, samples: _Tensors, rows: list[Row]) -> None:
        for row, step in zip(rows, samples, strict=True):
            tensors = [[tensor] for place in one.places if (tensor := step[place]) is not None]
            read_elements(self._elements, one.targets, tensors, row)

    def _plan(self, step: Held) -> _Plan:
        key = step.key()
        plan = self._plans.get(key)
        if plan is None:
            targets = [call.target for call in step.calls]
            plan = self._plans[key] = _Plan(
                group(targets, [call.sample for call in step.calls], self._outputs),
                group(targets, [call.gradient for call in step.calls], self._gradients),
            )
        return plan


def vouched(numbers: Tensor) -> bool:
    """Whether a finite sum says that all elements that went into it were finite.

    On a CPU reading one number costs nothing. Elsewhere it would wait for the device, so that
    nothing is vouched for and elements are always counted.
    """
    return numbers.is_cpu and numbers.numel() > 0 and isfinite(numbers.sum().item())


def _read(
    one: Group, tensors: _Tensors, scales: Tensor | None, others: tuple[int, ...]
) -> tuple[Tensor, list[Tensor]]:
    """What the probes read, shape (steps, numbers), and maxima over the dimensions `others`."""
    while True:
        numbers: list[Tensor] = []
        maxima: list[Tensor] = []
        try:
            for number, stack in enumerate(one.stacks(tensors)):
                mine = None if scales is None else scales[number * one.steps :][: one.steps]
                numbers.append(one.read(stack, mine))
                if others:
                    maxima.append(stack.amax(others))
        except ProbeError as failure:
            one.drop(failure)
        else:
            return torch.cat(numbers) if len(numbers) > 1 else numbers[0], maxima


def _add(one: Group, numbers: Tensor, rows: Sequence[Row]) -> None:
    """Give each step its numbers."""
    if one.columns.numbers:
        for row, values in zip(rows, numbers.numpy() if numbers.is_cpu else numbers, strict=True):
            row.add(one.columns, values)
