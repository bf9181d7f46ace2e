"""Softmaxes inside a model that are neither its output nor attention."""

from __future__ import annotations

from torchclinic.graph.flow import Op
from torchclinic.graph.layer_kinds import CONVOLUTIONS
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import Role

_SOFTMAXES = frozenset({"softmax", "log_softmax", "softmin"})
_UNWEIGHTED = frozenset({Role.SHAPE, Role.DROPOUT, Role.NORM, Role.POOL})
_LAYERS = frozenset({"Linear", *CONVOLUTIONS})  # not a bare parameter: that is a learned memory


def inner_softmaxes(graph: OpGraph) -> tuple[str, ...]:
    """Names of the layers whose softmaxed output goes on into another layer and nowhere else.

    A softmax that weighs something (a product follows) is attention or a gate; one that reaches
    the output is the output's.
    """
    found = (
        _layer_before(graph, op)
        for op in graph.ops
        if op.activation in _SOFTMAXES and _only_feeds_layers(graph, op)
    )
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _only_feeds_layers(graph: OpGraph, op: Op) -> bool:
    met = list(graph.ahead(op, _UNWEIGHTED))
    passed = [op, *(m for m in met if m.role in _UNWEIGHTED)]
    ends = [m for m in met if m.role not in _UNWEIGHTED]
    reaches_output = any(m.index in graph.ends for m in passed)
    return not reaches_output and bool(ends) and all(m.name in _LAYERS for m in ends)


def _layer_before(graph: OpGraph, op: Op) -> str | None:
    through = _UNWEIGHTED | {Role.AFFINE}
    return next((m.layer for m in graph.back(op.inputs, through) if m.role is Role.LAYER), None)
