"""Additive shortcuts: sums in which one term skips layers that the other went through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torchclinic.graph.flow import Op
from torchclinic.graph.layer_kinds import MAPS
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import SELECTIONS, Role

_PASSED = frozenset({Role.SHAPE, Role.DROPOUT, Role.AFFINE, Role.POOL, Role.NORM})


@dataclass(frozen=True)
class Shortcut:
    """A sum to which a shortcut comes.

    Attributes:
        total: Index of the operation that adds.
        start: Index of the value from which shortcut and branch go out.
        short: Index of what the shortcut brings to the sum.
        branch: Names of the layers on the branch, in the order of execution.
        aside: Names of the layers on the shortcut, such as a projection.
    """

    total: int
    start: int
    short: int
    branch: tuple[str, ...]
    aside: tuple[str, ...]


def shortcuts(graph: OpGraph) -> Iterator[Shortcut]:
    """All sums of a branch and a shortcut, in the order of execution."""
    for op in graph.ops:
        if op.role is Role.ADD and len(op.inputs) == 2:
            for short, long in (op.inputs, op.inputs[::-1]):
                start = _skips_from(graph, short, long)
                if start is not None:
                    branch = _layers_between(graph, start, long)
                    aside = _layers_between(graph, start, short)
                    yield Shortcut(op.index, start, short, branch, aside)


def residual_layers(graph: OpGraph) -> tuple[set[str], bool]:
    """Names of the layers on branches that are added to a shortcut, and whether there are any."""
    names: set[str] = set()
    found = False
    for shortcut in shortcuts(graph):
        found = True
        names |= {*shortcut.branch, *shortcut.aside}
    return names, found


def _skips_from(graph: OpGraph, short: int, long: int) -> int | None:
    """Where the shortcut begins: a value that the long branch uses too; a projection may follow."""
    index, projected = short, False
    while True:
        if index != long and graph.leads_to(index, long) and _layers_between(graph, index, long):
            return index
        op = graph.ops[index]
        projects = op.role is Role.LAYER and not projected and _is_projection(op)
        if not op.inputs or op.name in SELECTIONS or not (op.role in _PASSED or projects):
            return None
        projected = projected or projects
        index = op.inputs[0]


def _is_projection(op: Op) -> bool:
    return op.name in MAPS or op.name in {"linear", "matmul", "conv1d", "conv2d", "conv3d"}


def _layers_between(graph: OpGraph, start: int, end: int) -> tuple[str, ...]:
    found = (
        op.layer
        for op in graph.ops[start + 1 : end + 1]
        if op.layer is not None
        and graph.leads_to(start, op.index)
        and graph.leads_to(op.index, end)
    )
    return tuple(dict.fromkeys(found))
