"""Recording: the hooks, the readers and the store of one watch, step by step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from torchclinic.probes.registry import select_probes
from torchclinic.watch.calls import one_a_layer
from torchclinic.watch.capture import SMALL_SECONDS, Capture
from torchclinic.watch.columns import Row
from torchclinic.watch.layers import Layers
from torchclinic.watch.optimizers import Steppers
from torchclinic.watch.options import WatchOptions
from torchclinic.watch.output_gradients import Gradients
from torchclinic.watch.readers import Readers
from torchclinic.watch.selection import Globs
from torchclinic.watch.store import Store
from torchclinic.watch.structure import Structure

# What the loss was multiplied by, and what the parameters' gradients still are multiplied by.
Scales = tuple[Tensor | None, Tensor | None]


class Recording:
    """Reads the steps that it is told to; a failure ends the reading, never the training.

    Args:
        model: The unwrapped model.
        steppers: Who updates it.
        options: What to read.
    """

    def __init__(self, model: nn.Module, steppers: Steppers, options: WatchOptions) -> None:
        self.model = model
        self.probes = select_probes(options.statistics)
        self.layers = Layers(model, Globs.of(options.layers))
        self.capture = Capture(model, self.layers.targets, self.probes)
        self.structure = Structure(model, self._bare_output)
        self.store = Store(options.max_readings)
        self.parameters: list[nn.Parameter] = []
        self.failure = ""
        self._steppers = steppers
        self._readers: Readers | None = None
        self._row: Row | None = None
        self._calls = 0

    @property
    def is_open(self) -> bool:
        """Whether a reading waits for its update."""
        return self._row is not None

    def arm(self) -> None:
        """Put hooks in place for the step that comes."""
        if not self.failure:
            self.capture.arm()
            self.structure.arm()

    def disarm(self) -> None:
        """Take all hooks away."""
        self.capture.disarm()
        self.structure.disarm()

    def seconds(self) -> float:
        """Time spent in hooks of the forward and backward pass since this was last asked."""
        spent = self.capture.seconds + self.structure.seconds + self._calls * SMALL_SECONDS
        self.capture.seconds = self.structure.seconds = 0.0
        return spent

    def before_update(self, step: int, scales: Scales | None) -> None:
        """Before the update: the weights, and the gradients if they are there.

        Args:
            step: Its number.
            scales: Factors of the gradients; None if a closure is yet to compute them.
        """
        if self.failure:
            return
        try:
            row = self._row = Row(step)
            if self._readers is None or self.structure.recorded:
                self._learn(wait=scales is None)
            readers = self._readers
            if readers is not None:
                gradients = None if scales is None else self._hold(readers, row, scales)
                readers.parameters.before(row, gradients)
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            self.fail(error)

    def gradients(self) -> None:
        """After a closure: what was seen, and the gradients."""
        if self._row is None:
            return
        try:
            if self._readers is None or self.structure.recorded:
                self._learn(wait=False)
            if self._readers is not None:
                gradients = self._hold(self._readers, self._row, (None, None))
                self._readers.parameters.after_closure(self._row, gradients)
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            self.fail(error)

    def after_update(self) -> None:
        """After the update."""
        row, self._row = self._row, None
        readers = self._readers
        if row is None or readers is None:
            return
        try:
            readers.parameters.updates(row)
            self.store.add(row)
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            self.fail(error)

    @property
    def full(self) -> bool:
        """Whether it is time to read what is held."""
        return self._readers is not None and self._readers.full

    def read_held(self) -> int:
        """Read what is held of the last readings; returns of how many."""
        if self._readers is None:
            return 0
        try:
            with torch.no_grad():
                count = self._readers.read_held()
                self.store.fetch()
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            self.fail(error)
            return 0
        return count

    def fail(self, error: Exception) -> None:
        """Read no more, and say why."""
        self.failure = f"{type(error).__name__}: {error}"
        self._row = None
        self.disarm()

    def _hold(self, readers: Readers, row: Row, scales: Scales) -> Gradients:
        with torch.no_grad():
            seen = self.capture.take()
            self._calls = len(seen)
            calls = one_a_layer(seen)
            gradients = readers.output_gradients.take(calls, *scales)
            readers.hold(row, calls, scales[0])
        return gradients

    def _learn(self, wait: bool) -> None:
        """Make readers for the layers as they are known by now; `wait` if a pass may come yet."""
        new = self.structure.learn()
        if self._readers is None:
            if wait and not self.structure.ready:
                return
        elif new:
            self._readers.read_held()
        else:
            return
        self.layers.learn(self.structure.forward_map, self.structure.unknown)
        self.layers.refresh()
        self.structure.always = any(t.kind == "Parameter" for t in self.layers.targets)
        if not self.structure.always:
            self.structure.disarm()
        self.parameters = [
            parameter
            for parameter in self.model.parameters()
            if not isinstance(parameter, UninitializedParameter)
        ]
        updated = self._steppers.updated(self.parameters)
        self._readers = Readers(self.parameters, self.layers.targets, self.probes, updated)

    def _bare_output(self, name: str, output: Tensor) -> None:
        target = self.layers.bare.get(name)
        if target is not None:
            self.capture.see_bare(target, output)
