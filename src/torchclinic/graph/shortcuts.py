"""Additive shortcuts: sums in which one term skips layers that the other went through."""

from __future__ import annotations

from torchclinic.graph.flow import Op
from torchclinic.graph.layer_kinds import MAPS
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import SELECTIONS, Role

_PASSED = frozenset({Role.SHAPE, Role.DROPOUT, Role.AFFINE, Role.POOL, Role.NORM})


def residual_layers(graph: OpGraph) -> tuple[set[str], bool]:
    """Names of the layers on branches that are added to a shortcut, and whether there are any."""
    names: set[str] = set()
    found = False
    for op in graph.ops:
        if op.role is Role.ADD and len(op.inputs) == 2:
            for short, long in (op.inputs, op.inputs[::-1]):
                start = _skips_from(graph, short, long)
                if start is not None:
                    found = True
                    names |= _layers_between(graph, start, long) | _layers_between(
                        graph, start, short
                    )
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


def _layers_between(graph: OpGraph, start: int, end: int) -> set[str]:
    return {
        op.layer
        for op in graph.ops[start + 1 : end + 1]
        if op.layer is not None
        and graph.leads_to(start, op.index)
        and graph.leads_to(op.index, end)
    }
