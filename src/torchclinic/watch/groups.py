"""Layers whose tensors have one shape, so that they can be stacked and read together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.functional.activation import saturation_threshold
from torchclinic.probes.probe import Probe
from torchclinic.probes.samples import OutputSample
from torchclinic.watch.columns import Columns, probe_columns
from torchclinic.watch.target import Target
from torchclinic.watch.thin import widen


@dataclass
class Group:
    """Layers that are read together.

    Attributes:
        places: Where they are among the calls of a step.
        targets: The layers.
        probes: What can be read of at least one of them, and the meaning of the numbers.
        saturated_at: Threshold of the activation that follows each, shape (layers, 1).
    """

    places: list[int]
    targets: list[Target]
    probes: list[tuple[Probe, Columns]]
    saturated_at: Tensor | None = None

    def stack(self, steps: Sequence[Sequence[Tensor | None]]) -> Tensor:
        """The tensors of all steps, shape (steps * layers, ...), step by step."""
        found = [step[place] for step in steps for place in self.places]
        return widen(torch.stack(found))  # type: ignore[arg-type]

    def read(self, sample: OutputSample, steps: int) -> list[tuple[Columns, Tensor]]:
        """What the probes read, shape (steps, layers); a probe that raises is dropped."""
        parts: list[tuple[Columns, Tensor]] = []
        shape = (steps, len(self.targets))
        for probe, columns in tuple(self.probes):
            try:
                parts.append((columns, probe.read(sample).view(shape)))
            except Exception as error:  # noqa: BLE001 - a probe never ends a training
                self.probes.remove((probe, columns))
                for target in self.targets:
                    target.failed.setdefault(probe.name, f"{type(error).__name__}: {error}")
        return parts


def group(
    targets: Sequence[Target], tensors: Sequence[Tensor | None], probes: Sequence[Probe]
) -> list[Group]:
    """Put layers with tensors of one shape, on one device, together.

    Args:
        targets: The layers of a step.
        tensors: Of each layer its tensor, if there is one.
        probes: What is to be read.
    """
    places: dict[object, list[int]] = defaultdict(list)
    for place, tensor in enumerate(tensors):
        if tensor is not None:
            places[tensor.shape, tensor.device, targets[place].unit_dim].append(place)
    return [_group(found, targets, tensors, probes) for found in places.values()]


def _group(
    places: list[int],
    targets: Sequence[Target],
    tensors: Sequence[Tensor | None],
    probes: Sequence[Probe],
) -> Group:
    mine = [targets[place] for place in places]
    columns = ((probe, probe_columns(probe, mine)) for probe in probes)
    limits = [None if t.normalised else saturation_threshold(t.activation) for t in mine]
    first = tensors[places[0]]
    saturated_at = None
    if first is not None and any(limit is not None for limit in limits):
        rows = [[float("inf") if limit is None else limit] for limit in limits]
        saturated_at = torch.tensor(rows, device=first.device)
    return Group(places, mine, [(p, c) for p, c in columns if c is not None], saturated_at)
