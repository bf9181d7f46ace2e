"""From the operations of a forward pass to a ForwardMap."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping

from torch import nn

from torchclinic.graph.bare_layers import BareLayer
from torchclinic.graph.fans import fans
from torchclinic.graph.flow import Op
from torchclinic.graph.following import following
from torchclinic.graph.forward_map import ForwardMap, LayerNode
from torchclinic.graph.layer_kinds import EMBEDDINGS, TRANSPOSED, is_norm, layer_kind
from torchclinic.graph.linear_pairs import linear_pairs
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import LOOKED_THROUGH, Role
from torchclinic.graph.shortcuts import residual_layers
from torchclinic.graph.softmaxes import inner_softmaxes


def map_forward(
    model: nn.Module, ops: tuple[Op, ...], ends: tuple[int, ...], bare: Mapping[str, BareLayer]
) -> ForwardMap:
    """How the layers hang together.

    Args:
        model: The model that ran.
        ops: Its operations in order.
        ends: Indices of the operations that made its outputs.
        bare: Layers that are bare parameters, by name.
    """
    graph = OpGraph(ops, ends)
    names = {op.layer for op in ops if op.layer is not None and _is_module(op.layer, bare)}
    modules = {name: model.get_submodule(name) for name in names}
    residual, has_shortcuts = residual_layers(graph)
    last = _output_layers(graph)
    calls = Counter(op.layer for op in ops if op.layer is not None)
    first_calls = {op.layer: op for op in reversed(ops) if op.layer is not None}
    ordered = sorted(first_calls.items(), key=lambda item: item[1].index)
    layers = tuple(
        _layer(graph, op, order, model, modules.get(name), bare.get(name))
        for order, (name, op) in enumerate(ordered)
    )
    end = _end_activation(graph)
    return ForwardMap(
        layers=tuple(
            _placed(layer, layer.name in residual, layer.name in last, calls[layer.name])
            for layer in layers
        ),
        ops=ops,
        linear_pairs=linear_pairs(graph, modules, bare),
        output_activation=end.activation if end else None,
        output_activation_module=end.module if end else None,
        inner_softmax=inner_softmaxes(graph),
        residual=has_shortcuts,
        norms=len({op.scope for op in ops if op.role is Role.NORM}),
    )


def _is_module(layer: str, bare: Mapping[str, BareLayer]) -> bool:
    return layer not in bare or bare[layer].parameter != layer


def _layer(
    graph: OpGraph,
    op: Op,
    order: int,
    model: nn.Module,
    module: nn.Module | None,
    bare: BareLayer | None,
) -> LayerNode:
    after = following(graph, op)
    return LayerNode(
        name=op.layer or "",
        module=module,
        kind=(layer_kind(module) if module is not None else None) or "Parameter",
        order=order,
        activation=after.activation,
        activation_module=after.module,
        sum_activation=after.sum_activation,
        normalised=after.normalised,
        weight=model.get_parameter(bare.parameter) if bare and module is None else None,
        fans=fans(module) if module is not None else bare.fans if bare else None,
        unit_axis=_unit_axis(module, bare),
        bias=_has_bias(graph, op, module, bare),
    )


def _placed(layer: LayerNode, residual: bool, output: bool, calls: int) -> LayerNode:
    return dataclasses.replace(layer, residual=residual, output=output, calls=calls)


def _unit_axis(module: nn.Module | None, bare: BareLayer | None) -> int:
    if module is None:
        return bare.unit_axis if bare else 0
    return 1 if layer_kind(module) in (*TRANSPOSED, *EMBEDDINGS) else 0


def _has_bias(graph: OpGraph, op: Op, module: nn.Module | None, bare: BareLayer | None) -> bool:
    if module is not None:
        return any(name.startswith(("bias", "in_proj_bias")) for name in dict(_own(module)))
    added = (user for user in graph.consumers[op.index] if user.role is Role.AFFINE)
    return (bare is not None and bare.bias) or any(
        user.name == "add" and user.parameters for user in added
    )


def _own(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return module.named_parameters(recurse=False)


def _output_layers(graph: OpGraph) -> set[str]:
    """Weighted layers, norms aside, that reach the output without another one between."""
    through = LOOKED_THROUGH | {Role.ACTIVATION}
    met = graph.back(graph.ends, through)
    return {op.layer for op in met if op.layer is not None and not is_norm(op.name)}


def _end_activation(graph: OpGraph) -> Op | None:
    """The activation that the output is, looking through what only moves values."""
    if not graph.ends:
        return None
    index = graph.ends[0]
    while graph.ops[index].role is Role.SHAPE and len(graph.ops[index].inputs) == 1:
        index = graph.ops[index].inputs[0]
    op = graph.ops[index]
    return op if op.role is Role.ACTIVATION else None
