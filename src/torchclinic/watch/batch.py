"""Outputs of several read steps in one piece of memory, until they are read together.

The outputs themselves are not kept: their memory goes back to the training, which finds it in the
caches again. Beside a training the first call of an operation takes 10 to 30 us, whatever its size,
because its code is no longer in the caches; so it is worth reading many steps at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from torchclinic.watch.columns import Row
from torchclinic.watch.seen import Seen
from torchclinic.watch.target import Target

STEPS = 64  # read together
_MOST_ELEMENTS = 1 << 20  # held, unless one step has more
TensorOf = Callable[[Seen], Tensor | None]


class Stack:
    """Tensors of one shape: those of some layers, one after the other, in all steps of a batch.

    Attributes:
        targets: The layers.
        places: Where they are among the calls of a step.
        shape: Of each tensor.
        start: Where they begin in a row of the buffer.
        size: Elements of all of them.
    """

    def __init__(
        self, places: list[int], targets: list[Target], shape: torch.Size, start: int
    ) -> None:
        self.places = places
        self.targets = targets
        self.shape = shape
        self.start = start
        self.size = len(places) * shape.numel()


class Buffer:
    """Room for one tensor of each layer in each step.

    Args:
        calls: One a layer; those of the first step.
        tensor_of: Which of a call's tensors.
        steps: How many steps.
    """

    def __init__(self, calls: Sequence[Seen], tensor_of: TensorOf, steps: int) -> None:
        places: dict[object, list[int]] = defaultdict(list)
        for place, call in enumerate(calls):
            tensor = tensor_of(call)
            if tensor is not None:
                places[tuple(tensor.shape), call.target.unit_dim].append(place)
        self._tensor_of = tensor_of
        self.stacks: list[Stack] = []
        start, dtype, device = 0, torch.float32, torch.device("cpu")
        for found in places.values():
            first = tensor_of(calls[found[0]])
            assert first is not None
            targets = [calls[place].target for place in found]
            stack = Stack(found, targets, first.shape, start)
            start += stack.size
            dtype = torch.promote_types(dtype, first.dtype)
            device = first.device
            self.stacks.append(stack)
        self._order = [place for stack in self.stacks for place in stack.places]
        self._memory = torch.empty(steps, start, dtype=dtype, device=device)
        self._rows = list(self._memory.unbind())

    def put(self, step: int, calls: Sequence[Seen]) -> None:
        """Copy the tensors of a step."""
        if self._order:
            tensor_of = self._tensor_of
            found = [tensor_of(calls[place]) for place in self._order]
            flat = [tensor.reshape(-1) for tensor in found if tensor is not None]
            row = self._rows[step]
            try:
                torch.cat(flat, out=row)
            except RuntimeError:  # they live on several devices
                torch.cat([tensor.to(row.device) for tensor in flat], out=row)

    def of(self, stack: Stack, steps: int) -> Tensor:
        """The tensors of a stack, shape (steps, layers, elements)."""
        block = self._memory[:steps, stack.start : stack.start + stack.size]
        return block.view(steps, len(stack.places), -1)


class Batch:
    """The outputs of several steps with the same layers and shapes.

    Args:
        calls: Those of the first step, one a layer.
        gradients: Whether the gradients at outputs are held too.
    """

    def __init__(self, calls: Sequence[Seen], gradients: bool) -> None:
        self._like = [(call.target, _shape(call.sample)) for call in calls]
        self._gradients = [_shape(call.gradient) for call in calls] if gradients else None
        held = sum(call.sample.numel() for call in calls if call.sample is not None)
        self._room = min(max(_MOST_ELEMENTS // max(held, 1), 1), STEPS)
        self.outputs = Buffer(calls, lambda call: call.sample, self._room)
        self.gradients = None
        if gradients:
            self.gradients = Buffer(calls, lambda call: call.gradient, self._room)
        self.clear()

    def clear(self) -> None:
        """Forget all steps; the memory is used again."""
        self.rows: list[Row] = []
        self.scales: list[Tensor | None] = []
        self.maxima: list[tuple[Row, Seen]] = []

    @property
    def full(self) -> bool:
        """Whether there is room for no further step."""
        return len(self.rows) >= self._room

    def fits(self, calls: Sequence[Seen]) -> bool:
        """Whether a step has the layers and shapes of the batch."""
        if [(call.target, _shape(call.sample)) for call in calls] != self._like:
            return False
        return self._gradients is None or [_shape(c.gradient) for c in calls] == self._gradients

    def put(self, row: Row, calls: Sequence[Seen], scale: Tensor | None) -> None:
        """Add a step.

        Args:
            row: Where its numbers go.
            calls: One a layer.
            scale: What the loss, and so each gradient, was multiplied by; None for nothing.
        """
        self.outputs.put(len(self.rows), calls)
        if self.gradients is not None:
            self.gradients.put(len(self.rows), calls)
        self.rows.append(row)
        self.scales.append(scale)
        self.maxima.extend([(row, call) for call in calls if call.maxima is not None])


def _shape(tensor: Tensor | None) -> object:
    return None if tensor is None else tensor.shape
