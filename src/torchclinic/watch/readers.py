"""The readers of a watch, and what they hold until several steps can be read together."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from torchclinic.probes.probe import Probe
from torchclinic.watch.held import Held
from torchclinic.watch.output_reader import OutputReader
from torchclinic.watch.parameter_reader import ParameterReader
from torchclinic.watch.target import Target

# Steps whose small outputs are kept and then read together. Beside a training the first call of an
# operation takes 10 to 30 us, whatever its size, because its code is no longer in the caches.
_STEPS_HELD = 32
_ELEMENTS_HELD = 1 << 20  # but never many more than this many elements


class Readers:
    """Reads parameters at once, outputs some steps later.

    Args:
        parameters: The model's parameters.
        targets: The layers.
        probes: What to read.
        updated: Parameters whose update can be seen; None for all.

    Attributes:
        room: Elements that may still be held; at 0 it is time to read.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        targets: Sequence[Target],
        probes: Sequence[Probe],
        updated: Sequence[nn.Parameter] | None,
    ) -> None:
        self.parameters = ParameterReader(parameters, targets, probes, updated)
        self.room = _ELEMENTS_HELD
        self._outputs = OutputReader(probes)
        self._held: list[Held] = []
        self._size = 0

    def hold(self, step: Held) -> None:
        """Keep what was seen in a step; its size is taken to be that of the first one held."""
        if not self._held:
            samples = [call.sample for call in step.calls if call.sample is not None]
            self._size = 2 * sum(sample.numel() for sample in samples)
        self._held.append(step)
        self.room -= max(self._size, _ELEMENTS_HELD // _STEPS_HELD)

    def read_held(self) -> int:
        """Read all steps that are held; returns how many."""
        held, self._held = self._held, []
        self.room = _ELEMENTS_HELD
        for step in held:
            step.drop_overwritten()
        self._outputs.read(held)
        return len(held)
