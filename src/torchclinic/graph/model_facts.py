"""ModelFacts: what is known of a model before it trains."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import LayerFacts, ModelFacts, SurgeryError
from torchclinic.graph.forward_map import ForwardMap, LayerNode
from torchclinic.graph.layer_kinds import (
    EMBEDDINGS,
    RECURRENT,
    is_norm,
    layer_kind,
)
from torchclinic.graph.registered import registered_layers
from torchclinic.graph.tracing import trace

_WEIGHTS = ("weight", "in_proj_weight", "weight_ih_l0", "weight_ih", "q_proj_weight")
_BIASES = ("bias", "in_proj_bias", "bias_ih_l0", "bias_ih")


def model_facts(model: nn.Module, forward_map: ForwardMap | None = None) -> ModelFacts:
    """The model's structure and weights, as built.

    Args:
        model: The model; it is left as it was.
        forward_map: What one forward pass showed; without it the layers come in the order of
            registration and only what an nn.Sequential says of activations is known.

    Returns:
        The facts, all but `linearity_residual`, which needs inputs (see `linearity_residual`).

    >>> facts = model_facts(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.2)))
    >>> facts.parameters, facts.dropout, facts.layers[0].activation
    (16, 0.2, 'relu')
    """
    nodes = forward_map.layers if forward_map else registered_layers(model)
    reason = _why_not_traced(model)
    modules = list(model.modules())
    kinds = [layer_kind(module) for module in modules]
    return ModelFacts(
        layers=tuple(_layer_facts(node) for node in nodes),
        traced=not reason,
        why_not_traced=reason,
        order_known=forward_map is not None,
        linear_pairs=forward_map.linear_pairs if forward_map else (),
        output_activation=forward_map.output_activation if forward_map else None,
        inner_softmax=forward_map.inner_softmax if forward_map else (),
        dropout=_largest_dropout(modules),
        norms=max(
            sum(is_norm(kind) for kind in kinds if kind), forward_map.norms if forward_map else 0
        ),
        residual=bool(forward_map and forward_map.residual),
        recurrent=any(kind in RECURRENT for kind in kinds),
        embedding=_takes_tokens(nodes, kinds),
        parameters=sum(_count(p) for p in model.parameters()),
        trainable=sum(_count(p) for p in model.parameters() if p.requires_grad),
        output_activation_module=forward_map.output_activation_module if forward_map else None,
    )


def _layer_facts(node: LayerNode) -> LayerFacts:
    bare = node.weight
    parameters = [bare] if bare is not None else _parameters(node.module)
    weight, bias = _weight(node), _named(node.module, _BIASES)
    fan_in, fan_out = node.fans or (None, None)
    return LayerFacts(
        name=node.name,
        kind=node.kind,
        order=node.order,
        activation=node.activation,
        normalised=node.normalised,
        residual=node.residual,
        output=node.output,
        parameters=sum(_count(p) for p in parameters),
        trainable=any(p.requires_grad for p in parameters),
        fan_in=fan_in,
        fan_out=fan_out,
        weight_shape=tuple(weight.shape) if weight is not None else (),
        weight_mean=float(weight.mean()) if weight is not None else None,
        weight_std=_std(weight),
        duplicated_rows=_duplicated(weight, node.unit_axis),
        bias=node.bias,
        bias_std=_std(bias),
        activation_module=node.activation_module,
    )


def _parameters(module: nn.Module | None) -> list[nn.Parameter]:
    return list(module.parameters()) if module is not None else []


def _count(parameter: nn.Parameter) -> int:
    return 0 if nn.parameter.is_lazy(parameter) else parameter.numel()


def _weight(node: LayerNode) -> Tensor | None:
    bare = node.weight
    return bare.detach().float() if bare is not None else _named(node.module, _WEIGHTS)


def _named(module: nn.Module | None, names: tuple[str, ...]) -> Tensor | None:
    found: Any = next((w for n in names if (w := getattr(module, n, None)) is not None), None)
    known = isinstance(found, Tensor) and not nn.parameter.is_lazy(found)
    return found.detach().float() if known and found.numel() else None


def _std(values: Tensor | None) -> float | None:
    return float(values.std(correction=0)) if values is not None else None


def _duplicated(weight: Tensor | None, axis: int) -> float:
    """Share of the units whose weights equal those of another unit."""
    if weight is None or weight.dim() < 2 or weight.shape[axis] < 2:
        return 0.0
    rows = weight.detach().movedim(axis, 0).flatten(1)
    _, group, sizes = torch.unique(rows, dim=0, return_inverse=True, return_counts=True)
    return float((sizes[group] > 1).float().mean())


def _largest_dropout(modules: list[nn.Module]) -> float | None:
    rates = [float(m.p) for m in modules if isinstance(m, nn.modules.dropout._DropoutNd)]
    rates += [float(r) for m in modules if isinstance(r := getattr(m, "dropout", None), float)]
    largest = max(rates, default=0.0)
    return largest if largest > 0 else None


def _takes_tokens(nodes: tuple[LayerNode, ...], kinds: list[str | None]) -> bool:
    if not any(kind in EMBEDDINGS for kind in kinds):
        return False
    return any(node.kind in EMBEDDINGS for node in nodes)


def _why_not_traced(model: nn.Module) -> str:
    try:
        trace(model)
    except SurgeryError as error:
        return error.message
    return ""
