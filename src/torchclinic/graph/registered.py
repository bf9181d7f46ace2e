"""The layers of a model as they were registered, for want of a forward pass."""

from __future__ import annotations

import dataclasses

from torch import nn

from torchclinic.functional import activation_name
from torchclinic.graph.fans import fans
from torchclinic.graph.forward_map import LayerNode
from torchclinic.graph.layer_kinds import EMBEDDINGS, MAPS, TRANSPOSED, is_norm, layer_kind


def registered_layers(model: nn.Module) -> tuple[LayerNode, ...]:
    """Weighted modules in the order of registration, for want of a forward pass.

    Of activations only what an nn.Sequential says is known; bare parameters are not seen. The last
    affine layer is taken for the output.

    >>> [layer.name for layer in registered_layers(nn.Sequential(nn.Linear(1, 1), nn.ReLU()))]
    ['0']
    """
    following = _in_sequence(model)
    found = (
        (name, module, layer_kind(module))
        for name, module in model.named_modules()
        if any(True for _ in module.parameters())
    )
    nodes: list[LayerNode] = []
    for name, module, kind in found:
        inside = bool(nodes) and name.startswith(f"{nodes[-1].name}.") and not nodes[-1].is_norm
        if kind is not None and not inside:
            nodes.append(_node(name, module, kind, len(nodes), following.get(name)))
    last = max((node.order for node in nodes if node.kind in MAPS), default=None)
    return tuple(dataclasses.replace(node, output=node.order == last) for node in nodes)


def _node(name: str, module: nn.Module, kind: str, order: int, activation: str | None) -> LayerNode:
    return LayerNode(
        name,
        module,
        kind,
        order,
        activation=activation,
        sum_activation=activation,
        fans=fans(module),
        unit_axis=1 if kind in (*TRANSPOSED, *EMBEDDINGS) else 0,
        bias=any(own.startswith("bias") for own, _ in module.named_parameters(recurse=False)),
    )


def _in_sequence(model: nn.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Sequential):
            children = list(module.named_children())
            for place, (child, _) in enumerate(children):
                activation = _next_activation([after for _, after in children[place + 1 :]])
                if activation is not None:
                    found[f"{name}.{child}" if name else child] = activation
    return found


def _next_activation(modules: list[nn.Module]) -> str | None:
    """The activation that comes before the next layer; norms, dropout and pooling are skipped."""
    for module in modules:
        activation = activation_name(module)
        skipped = is_norm(layer_kind(module) or "") or not any(True for _ in module.parameters())
        if activation is not None or not skipped:
            return activation
    return None
