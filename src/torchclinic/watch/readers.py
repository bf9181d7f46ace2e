"""The readers of a watch, and what they hold until several steps can be read together."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from torchclinic.probes.probe import Need, Probe
from torchclinic.watch.batch import Batch
from torchclinic.watch.columns import Row
from torchclinic.watch.output_gradients import OutputGradients
from torchclinic.watch.output_reader import OutputReader
from torchclinic.watch.parameter_reader import ParameterReader
from torchclinic.watch.seen import Seen
from torchclinic.watch.target import Target

_OF_OUTPUT = frozenset((Need.OUTPUT, Need.UNIT_MAXIMA, Need.OUTPUT_GRADIENT, Need.ELEMENTS))


class Readers:
    """Reads parameters and gradients at once, outputs some steps later.

    Args:
        parameters: The model's parameters.
        targets: The layers.
        probes: What to read.
        updated: Parameters whose update can be seen; None for all.

    Attributes:
        full: Whether it is time to read what is held.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        targets: Sequence[Target],
        probes: Sequence[Probe],
        updated: Sequence[nn.Parameter] | None,
    ) -> None:
        needs = {probe.need for probe in probes}
        self.parameters = ParameterReader(parameters, targets, probes, updated)
        self.output_gradients = OutputGradients(probes)
        self._outputs = OutputReader(probes)
        self._holds = not needs.isdisjoint(_OF_OUTPUT)
        self._holds_gradients = Need.OUTPUT_GRADIENT in needs
        self._batch: Batch | None = None
        self.full = False

    def hold(self, row: Row, calls: list[Seen], scale: Tensor | None) -> None:
        """Hold the outputs of a step.

        Args:
            row: Where its numbers go.
            calls: One a layer.
            scale: What the loss, and so each gradient, was multiplied by.
        """
        if not calls or not self._holds:
            return
        batch = self._batch
        if batch is None or not batch.fits(calls):
            self.read_held()
            batch = self._batch = Batch(calls, self._holds_gradients)
        batch.put(row, calls, scale)
        if batch.full:
            self.full = True

    def read_held(self) -> int:
        """Read all steps that are held; returns how many."""
        batch = self._batch
        if batch is None:
            return 0
        count, self.full = len(batch.rows), False
        if count:
            self._outputs.read(batch)
            batch.clear()
        return count
