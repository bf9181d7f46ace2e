"""Walks over the operations of a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from functools import cached_property

from torchclinic.graph.flow import Op
from torchclinic.graph.op_kinds import Role


class OpGraph:
    """The operations with their consumers and ancestors.

    Args:
        ops: Operations in order; inputs come before what uses them.
        ends: Indices of the operations that made the model's outputs.
    """

    def __init__(self, ops: tuple[Op, ...], ends: tuple[int, ...]) -> None:
        self.ops = ops
        self.ends = ends

    @cached_property
    def consumers(self) -> list[list[Op]]:
        """For each operation, those that use its value."""
        found: list[list[Op]] = [[] for _ in self.ops]
        for op in self.ops:
            for index in op.inputs:
                found[index].append(op)
        return found

    @cached_property
    def _ancestors(self) -> list[int]:
        """For each operation, itself and all that go into it, as the bits of a number."""
        found: list[int] = []
        for op in self.ops:
            bits = 1 << op.index
            for index in op.inputs:
                bits |= found[index]
            found.append(bits)
        return found

    def leads_to(self, first: int, second: int) -> bool:
        """Whether the value of `first` goes into `second`, or is it."""
        return bool(self._ancestors[second] >> first & 1)

    def back(self, start: tuple[int, ...], through: Set[Role]) -> Iterator[Op]:
        """Operations met walking back from `start`, looking through some roles; those too."""
        return self._walk(start, lambda op: op.inputs if op.role in through else ())

    def ahead(self, op: Op, through: Set[Role]) -> Iterator[Op]:
        """Operations met walking ahead from the consumers of `op`, looking through some roles."""
        return self._walk(
            tuple(user.index for user in self.consumers[op.index]),
            lambda met: tuple(
                user.index for user in self.consumers[met.index] if met.role in through
            ),
        )

    def _walk(
        self, start: tuple[int, ...], onward: Callable[[Op], tuple[int, ...]]
    ) -> Iterator[Op]:
        waiting, seen = list(start), set(start)
        while waiting:
            op = self.ops[waiting.pop(0)]
            yield op
            for index in onward(op):
                if index not in seen:
                    seen.add(index)
                    waiting.append(index)
