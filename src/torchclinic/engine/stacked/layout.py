"""Where each parameter stands in the one flat row that a member of a stack has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

ALIGNED = 16  # elements at which a parameter may begin: a cache line of float32


@dataclass(frozen=True)
class Slot:
    """One parameter's place.

    Attributes:
        name: Of the parameter in the model.
        shape: Of one member's.
        start: First column.
        stop: Column behind the last.
    """

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int

    def of(self, flat: Tensor) -> Tensor:
        """All members' values of this parameter: a view of shape (members, *shape)."""
        return (
            flat[:, self.start : self.stop]
            .unflatten(1, self.shape or (1,))
            .view(len(flat), *self.shape)
        )


@dataclass(frozen=True)
class Layout:
    """The columns of a stack: parameters side by side, those of one optimizer group together.

    Attributes:
        slots: Every trained parameter.
        groups: First and last column (exclusive) of each group of the optimizer.
        size: Columns in all.
    """

    slots: tuple[Slot, ...]
    groups: tuple[tuple[int, int], ...]
    size: int

    def slot(self, name: str) -> Slot:
        """The slot of a parameter, by its name."""
        return next(slot for slot in self.slots if slot.name == name)


def lay_out(model: nn.Module, groups: Sequence[Sequence[str]]) -> Layout:
    """Give each named parameter its columns.

    Args:
        model: Any member's.
        groups: Names of the parameters of each optimizer group. The trained parameters that no
            group names come last: they have gradients, and are never updated.

    >>> layout = lay_out(nn.Linear(2, 3), [["bias", "weight"]])
    >>> [(slot.name, slot.start, slot.stop) for slot in layout.slots], layout.groups, layout.size
    ([('bias', 0, 3), ('weight', 16, 22)], ((0, 32),), 32)
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    named = [name for names in groups for name in names]
    others = [name for name in trained if name not in set(named)]
    slots: list[Slot] = []
    ranges: list[tuple[int, int]] = []
    column = 0
    for names in [*groups, others]:
        first = column
        for name in names:
            slots.append(_slot(name, trained, column))
            column = _aligned(slots[-1].stop)
        ranges.append((first, column))
    return Layout(tuple(slots), tuple(ranges[:-1]), column)


def _slot(name: str, trained: Mapping[str, nn.Parameter], start: int) -> Slot:
    shape = tuple(trained[name].shape)
    return Slot(name, shape, start, start + prod(shape))


def _aligned(column: int) -> int:
    return -(-column // ALIGNED) * ALIGNED
