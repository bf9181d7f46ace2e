"""Reads probes of outputs, or of gradients there, from stacks of one shape."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchclinic.functional.activation import saturation_threshold
from torchclinic.probes.probe import Probe
from torchclinic.probes.samples import OutputSample
from torchclinic.watch.columns import Columns, probe_columns
from torchclinic.watch.target import Target


class StackReader:
    """The probes that can be read at some layers, and what their numbers mean.

    Args:
        targets: The layers.
        probes: What is to be read.
        device: Where their outputs are.
    """

    def __init__(
        self, targets: Sequence[Target], probes: Sequence[Probe], device: torch.device
    ) -> None:
        self._targets = targets
        columns = ((probe, probe_columns(probe, targets)) for probe in probes)
        self._probes = [(probe, found) for probe, found in columns if found is not None]
        self._saturated_at = _thresholds(targets, device)
        self.columns = Columns.joined([found for _, found in self._probes])

    def read(self, values: Tensor) -> Tensor:
        """What the probes read, shape (steps, layers, elements) -> (steps, numbers).

        The numbers mean what `columns` says afterwards: a probe that raises is noted as failed and
        not read again.
        """
        sample = OutputSample(values, self._saturated_at)
        parts: list[Tensor] = []
        for probe, columns in tuple(self._probes):
            try:
                found = probe.read(sample)
                if found.shape != values.shape[:2]:
                    raise ValueError(
                        f"read gave shape {tuple(found.shape)} for {tuple(values.shape)}"
                    )
                parts.append(found)
            except Exception as error:  # noqa: BLE001 - a probe never ends a training
                self._drop(probe, columns, error)
        return torch.cat(parts, dim=1) if parts else values.new_empty(len(values), 0)

    def _drop(self, probe: Probe, columns: Columns, error: Exception) -> None:
        self._probes.remove((probe, columns))
        self.columns = Columns.joined([found for _, found in self._probes])
        for target in self._targets:
            target.fail(probe.name, error)


def _thresholds(targets: Sequence[Target], device: torch.device) -> Tensor | None:
    """Where the activation that follows each layer saturates, shape (layers, 1)."""
    found = [None if t.normalised else saturation_threshold(t.activation) for t in targets]
    if all(threshold is None for threshold in found):
        return None
    rows = [[float("inf") if threshold is None else threshold] for threshold in found]
    return torch.tensor(rows, device=device)
