"""Layers whose tensors have one shape, so that they can be stacked and read together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from torchclinic.functional.activation import saturation_threshold
from torchclinic.probes.probe import Probe
from torchclinic.probes.samples import OutputSample
from torchclinic.watch.columns import Columns, probe_columns
from torchclinic.watch.target import Target
from torchclinic.watch.thin import widen

# Elements that are stacked at once: more would leave the second-level cache between one operation
# and the next.
_ELEMENTS_TOGETHER = 1 << 16


class Group:
    """Layers that are read together.

    Args:
        places: Where they are among the calls of a step.
        targets: The layers, as many.
        tensor: One of their tensors, for its shape and device.
        probes: What is to be read.
    """

    def __init__(
        self, places: list[int], targets: list[Target], tensor: Tensor, probes: Sequence[Probe]
    ) -> None:
        self.places = places
        self.targets = targets
        self.steps = max(_ELEMENTS_TOGETHER // (len(places) * tensor.numel()), 1)
        columns = ((probe, probe_columns(probe, targets)) for probe in probes)
        self._probes = [(probe, found) for probe, found in columns if found is not None]
        self._thresholds = _thresholds(targets, tensor.device)
        self.columns = Columns.joined([found for _, found in self._probes])

    def stacks(self, steps: Sequence[Sequence[Tensor | None]]) -> Iterator[Tensor]:
        """The tensors of some steps after the other, each of shape (steps * layers, ...)."""
        for start in range(0, len(steps), self.steps):
            several = steps[start : start + self.steps]
            found = [step[place] for step in several for place in self.places]
            yield widen(torch.stack(found))  # type: ignore[arg-type]

    def read(self, stack: Tensor, scales: Tensor | None = None) -> Tensor:
        """What the probes read, shape (steps, numbers), as `columns` says.

        Args:
            stack: One of `stacks`.
            scales: What each step was multiplied by.

        Raises:
            ProbeError: A probe raised; `drop` it.
        """
        steps, layers = len(stack) // len(self.places), len(self.places)
        flat = stack.flatten(1)
        if scales is not None:
            flat = flat / scales.to(flat).repeat_interleave(layers).unsqueeze(1)
        thresholds = self._thresholds
        sample = OutputSample(flat, None if thresholds is None else thresholds.repeat(steps, 1))
        parts: list[Tensor] = []
        for probe, _ in self._probes:
            try:
                parts.append(probe.read(sample).view(steps, layers))
            except Exception as error:
                raise ProbeError(probe, error) from error
        return torch.cat(parts, dim=1) if parts else flat[:0]

    def drop(self, failure: ProbeError) -> None:
        """Do without a probe from now on, and say why."""
        self._probes = [(p, c) for p, c in self._probes if p is not failure.probe]
        self.columns = Columns.joined([found for _, found in self._probes])
        for target in self.targets:
            target.fail(failure.probe.name, failure.error)


class ProbeError(Exception):
    """A probe raised while it was reading.

    Args:
        probe: The probe.
        error: What it raised.
    """

    def __init__(self, probe: Probe, error: Exception) -> None:
        super().__init__(str(error))
        self.probe = probe
        self.error = error


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
    groups: list[Group] = []
    for found in places.values():
        first = tensors[found[0]]
        assert first is not None
        groups.append(Group(found, [targets[place] for place in found], first, probes))
    return groups


def _thresholds(targets: Sequence[Target], device: torch.device) -> Tensor | None:
    """Where the activation that follows each layer saturates, shape (layers, 1)."""
    found = [None if t.normalised else saturation_threshold(t.activation) for t in targets]
    if all(threshold is None for threshold in found):
        return None
    rows = [[float("inf") if threshold is None else threshold] for threshold in found]
    return torch.tensor(rows, device=device)
