"""The training rows of a stack: in memory, gathered for all members at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from torchclinic.core import Recipe
from torchclinic.data.batches import in_memory
from torchclinic.data.order import row_order
from torchclinic.data.structure import as_tensors


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs and targets in memory, and how they are batched.

    Attributes:
        inputs: One row each.
        targets: As many rows.
        size: Rows of a batch; the last of an epoch may have fewer.
        shuffle: Whether each epoch has a new order.
    """

    inputs: Tensor
    targets: Tensor
    size: int
    shuffle: bool
    _memory: dict[tuple[int, int], Tensor] = field(default_factory=dict[tuple[int, int], Tensor])

    @property
    def count(self) -> int:
        """Rows in all."""
        return len(self.inputs)

    def order(self, generator: torch.Generator) -> Tensor:
        """The rows of one epoch, as a run by itself would draw them."""
        return row_order(self.count, shuffle=self.shuffle, generator=generator)

    def key(self) -> tuple[Any, ...]:
        """Equal for rows that are the same memory, batched alike."""
        pair = (self.inputs, self.targets)
        held = [(t.data_ptr(), tuple(t.shape), t.stride(), t.dtype, t.device) for t in pair]
        return (*held, self.size, self.shuffle)

    def to(self, device: torch.device) -> Rows:
        """The same rows on a device."""
        return Rows(self.inputs.to(device), self.targets.to(device), self.size, self.shuffle)

    def gather(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Batches for all members: (members, rows, ...) each, valid until the next call.

        Args:
            index: Row numbers, of shape (members, rows).
        """
        flat = index.reshape(-1)
        inputs, targets = (self._taken(data, flat) for data in (self.inputs, self.targets))
        return inputs.unflatten(0, index.shape), targets.unflatten(0, index.shape)

    def _taken(self, data: Tensor, flat: Tensor) -> Tensor:
        """Rows of the data, always in the same memory: new memory costs more than the copy."""
        key = (data.data_ptr(), len(flat))
        if key not in self._memory:
            shape = (len(flat), *data.shape[1:])
            self._memory[key] = torch.empty(shape, dtype=data.dtype, device=data.device)
        return torch.index_select(data, 0, flat, out=self._memory[key])


def rows_in_memory(recipe: Recipe) -> Rows | str:
    """The training rows of a recipe, or why there are none to be gathered."""
    source = recipe.splits.train
    held = in_memory(source)
    if held is None:
        return f"its data, a {type(source).__name__}, is no pair of tensors in memory"
    data = as_tensors(held)
    pair = type(data) is tuple and len(data) == 2 and all(isinstance(t, Tensor) for t in data)
    if not pair or data[0].dim() == 0 or data[1].dim() == 0 or len(data[0]) != len(data[1]):
        return "its data is no pair of tensors (inputs, targets)"
    inputs, targets = data
    if len(inputs) == 0 or inputs.device != targets.device:
        return "its data is empty or lies on two devices"
    size = len(inputs) if recipe.batch_size is None else min(recipe.batch_size, len(inputs))
    return Rows(inputs, targets, size, recipe.shuffle and size < len(inputs))
