"""Reads the probes of elements, which look at tensors as they are, one layer after the other."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from torchclinic.probes.probe import Probe
from torchclinic.probes.samples import Elements
from torchclinic.watch.columns import Row, probe_columns
from torchclinic.watch.target import Target


def read_elements(
    probes: Sequence[Probe],
    targets: Sequence[Target],
    tensors: Sequence[Sequence[Tensor]],
    row: Row,
) -> None:
    """Add what the probes read to a row; a probe that raises is noted as failed.

    Args:
        probes: Probes of elements.
        targets: The layers.
        tensors: Of each layer its tensors.
        row: Where the numbers go.
    """
    elements = Elements(tuple(tuple(layer) for layer in tensors))
    for probe in probes:
        columns = probe_columns(probe, targets)
        if columns is None:
            continue
        try:
            values = probe.read(elements).view(len(targets))
        except Exception as error:  # noqa: BLE001 - a probe never ends a training
            for target in targets:
                target.fail(probe.name, error)
        else:
            row.add(columns, values)
