"""Reads the probes of outputs and of gradients at outputs: all layers and several steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import torch
from torch import Tensor

from torchclinic.probes.probe import Need, Probe
from torchclinic.watch.batch import Batch, Stack
from torchclinic.watch.columns import Columns, Row
from torchclinic.watch.elements import read_elements
from torchclinic.watch.silence_reader import SilenceReader
from torchclinic.watch.stack_reader import StackReader
from torchclinic.watch.target import Target


class OutputReader:
    """Lets the probes read the outputs that a batch holds.

    Args:
        probes: The probes that are to be read.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._outputs = [p for p in probes if p.need is Need.OUTPUT]
        self._gradients = [p for p in probes if p.need is Need.OUTPUT_GRADIENT]
        self._elements = [p for p in probes if p.need is Need.ELEMENTS]
        self._silence = SilenceReader([p for p in probes if p.need is Need.UNIT_MAXIMA])
        self._readers: dict[tuple[object, ...], StackReader] = {}

    def read(self, batch: Batch) -> None:
        """Add what is read of each step to its row."""
        for stack in batch.outputs.stacks:
            values = batch.outputs.of(stack, len(batch.rows))
            numbers = self._read(stack.targets, self._outputs, values, batch.rows)
            self._silence.read(stack.targets, values, stack.shape, batch.rows)
            if self._elements and not _vouched(numbers):
                self._count(stack, values, batch.rows)
        for row, call in batch.maxima:
            if call.maxima is not None:
                maxima = call.maxima.view(1, 1, -1)
                self._silence.read_maxima([call.target], maxima, call.rows, [row])
        if batch.gradients is not None:
            for stack in batch.gradients.stacks:
                values = batch.gradients.of(stack, len(batch.rows))
                values = _unscaled(values, batch.scales)
                self._read(stack.targets, self._gradients, values, batch.rows)

    def _read(
        self,
        targets: list[Target],
        probes: Sequence[Probe],
        values: Tensor,
        rows: Sequence[Row],
    ) -> Tensor:
        key = (probes is self._outputs, *[target.index for target in targets])
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = StackReader(targets, probes, values.device)
        numbers = reader.read(values)
        columns: Columns = reader.columns
        if columns.numbers:
            by_step = numbers.numpy() if numbers.is_cpu else numbers
            for row, found in zip(rows, by_step, strict=True):
                row.add(columns, found)
        return numbers

    def _count(self, stack: Stack, values: Tensor, rows: Sequence[Row]) -> None:
        for row, step in zip(rows, values, strict=True):
            read_elements(self._elements, stack.targets, [[layer] for layer in step], row)


def _vouched(numbers: Tensor) -> bool:
    """Whether a finite sum says that all elements that went into it were finite.

    On a CPU reading one number costs nothing. Elsewhere it would wait for the device, so that
    nothing is vouched for and elements are always counted.
    """
    return numbers.is_cpu and numbers.numel() > 0 and isfinite(numbers.sum().item())


def _unscaled(values: Tensor, scales: Sequence[Tensor | None]) -> Tensor:
    """Gradients without the factor that a GradScaler put into the loss."""
    if all(scale is None for scale in scales):
        return values
    one = torch.ones((), device=values.device)
    factors = torch.stack([one if scale is None else scale.to(one) for scale in scales])
    return values / factors.view(-1, 1, 1)
