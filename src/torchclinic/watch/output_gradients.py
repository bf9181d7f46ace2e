"""The gradients at outputs, whose norms are read together with those of the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from torchclinic.probes.probe import Need, Probe
from torchclinic.watch.columns import Columns, Role
from torchclinic.watch.norms import all_plain
from torchclinic.watch.seen import Seen


@dataclass(frozen=True, slots=True)
class Gradients:
    """Gradients of one step.

    Attributes:
        tensors: At the outputs of layers, or evenly spread elements of them.
        columns: What their norms mean.
        plain: Whether torch can take the norms in one call and nothing is multiplied.
        scale: What the loss, and so each of them, was multiplied by.
        own_scale: What the parameters' gradients are still multiplied by.
    """

    tensors: list[Tensor]
    columns: Columns
    plain: bool
    scale: Tensor | None = None
    own_scale: Tensor | None = None


class OutputGradients:
    """Knows what the norms of the gradients at outputs mean.

    Args:
        probes: What is read: whether norms are needed, and whether the gradients are needed longer.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        needs = {probe.need for probe in probes}
        self._wanted = Need.OUTPUT_GRADIENT_NORM in needs
        self._kept = Need.OUTPUT_GRADIENT in needs
        self._known: dict[tuple[tuple[int, int], ...], tuple[Columns, bool]] = {}

    def take(
        self, calls: Sequence[Seen], scale: Tensor | None, own_scale: Tensor | None
    ) -> Gradients:
        """The gradients of these calls.

        Args:
            calls: One a layer.
            scale: What the loss was multiplied by.
            own_scale: What the parameters' gradients are still multiplied by.
        """
        found = [(call, call.gradient) for call in calls if call.gradient is not None]
        tensors = [gradient for _, gradient in found] if self._wanted else []
        key = tuple([(call.target.index, gradient.numel()) for call, gradient in found])
        known = self._known.get(key)
        if known is None:
            numbers, sizes = tuple(n for n, _ in key), tuple(size for _, size in key)
            columns = Columns(Role.OUTPUT_GRADIENT, numbers, sizes=sizes)
            known = self._known[key] = columns, all_plain(tensors)
        if not self._kept:
            for call, _ in found:
                call.gradient = None
        plain = known[1] and scale is None and own_scale is None
        return Gradients(tensors, known[0], plain, scale, own_scale)
