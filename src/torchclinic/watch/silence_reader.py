"""Reads the probes of unit maxima: which units stay silent over many samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.functional.activation import ACTIVATIONS
from torchclinic.probes.probe import Probe
from torchclinic.probes.samples import UnitMaxima
from torchclinic.watch.columns import Columns, Row, probe_columns
from torchclinic.watch.target import Target
from torchclinic.watch.unit_maxima import RowWindow, needs_maxima


@dataclass
class _Watched:
    """Layers that are read together, and their window."""

    targets: list[Target]
    window: RowWindow
    silent_at: Tensor
    probes: list[tuple[Probe, Columns]]


class SilenceReader:
    """Keeps the windows over rows and lets the probes read them.

    Args:
        probes: Probes of unit maxima.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes
        self._watched: dict[tuple[int, ...], _Watched | None] = {}

    def read(
        self, targets: list[Target], values: Tensor, shape: torch.Size, steps: Sequence[Row]
    ) -> None:
        """Add what the probes read of whole outputs to the rows of the steps.

        Args:
            targets: The layers.
            values: Their outputs, shape (steps, layers, elements).
            shape: Of one output, (rows, ..., units, ...).
            steps: Where the numbers go.
        """
        if len(shape) > 1 and self._of(targets, values.device) is not None:
            unit_dim = targets[0].unit_dim % len(shape) + 2
            others = tuple([d for d in range(2, len(shape) + 2) if d != unit_dim])
            maxima = values.view(*values.shape[:2], *shape).amax(others)
            self.read_maxima(targets, maxima, shape[0], steps)

    def read_maxima(
        self, targets: list[Target], maxima: Tensor, rows: int, steps: Sequence[Row]
    ) -> None:
        """Add what the probes read to the rows of the steps.

        Args:
            targets: The layers.
            maxima: Of each step, layer and unit.
            rows: Samples that they are over in each step.
            steps: Where the numbers go.
        """
        watched = self._of(targets, maxima.device)
        if watched is None:
            return
        early, windows, spanned = watched.window.add(maxima, rows)
        if early == len(maxima):
            return
        sample = UnitMaxima(windows, watched.silent_at, spanned)
        for probe, columns in tuple(watched.probes):
            try:
                values = probe.read(sample)
                if values.shape != windows.shape[:2]:
                    raise ValueError(
                        f"read gave shape {tuple(values.shape)} for {tuple(windows.shape)}"
                    )
            except Exception as error:  # noqa: BLE001 - a probe never ends a training
                watched.probes.remove((probe, columns))
                for target in watched.targets:
                    target.fail(probe.name, error)
            else:
                read = values.tolist() if values.is_cpu else values
                for step, numbers in zip(steps[early:], read, strict=True):
                    step.add(columns, numbers)

    def _of(self, targets: list[Target], device: torch.device) -> _Watched | None:
        key = tuple([target.index for target in targets])
        if key not in self._watched:
            columns = ((probe, probe_columns(probe, targets)) for probe in self._probes)
            probes = [(p, c) for p, c in columns if c is not None]
            silent_at = torch.tensor([[_silent_at(t)] for t in targets], device=device)
            found = _Watched(targets, RowWindow(), silent_at, probes) if probes else None
            self._watched[key] = found
        return self._watched[key]


def _silent_at(target: Target) -> float:
    known = ACTIVATIONS.get(target.activation or "") if needs_maxima(target) else None
    silent_at = known.silent_at if known else None
    return float("-inf") if silent_at is None else silent_at
