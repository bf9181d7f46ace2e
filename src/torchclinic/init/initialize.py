"""One front door to all initialisers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import torch
from torch import nn

from torchclinic.core import UsageError
from torchclinic.graph import ForwardMap, LayerNode, registered_layers
from torchclinic.init.painter import Painter
from torchclinic.init.report import InitReport
from torchclinic.init.schemes import HE, LECUN, SCHEMES, XAVIER, Scheme
from torchclinic.init.treatments import Plan, treat

_BOUNDED = frozenset({"tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid", "tanhshrink"})


def initialize(
    model: nn.Module,
    scheme: str = "auto",
    *,
    activations: Mapping[str, str | None] | None = None,
    forward_map: ForwardMap | None = None,
    generator: torch.Generator | None = None,
) -> InitReport:
    """Fill all trainable parameters of a model in place, each kind of layer in its own way.

    Linear, convolutional and bilinear weights follow the scheme with the gain of the activation
    after them and the true number of inputs (groups, strides and `x @ w` are heeded). Biases are 0.
    Embeddings, recurrent layers, attention and norms are treated as their kind needs. Frozen
    parameters and those that no treatment knows are left and reported.

    Args:
        model: The model.
        scheme: A name in `SCHEMES`, or "auto": He after a ReLU and its kin, Xavier after a bounded
            activation and without one, LeCun before a SELU.
        activations: Layer name -> the non-linearity that follows (`ForwardMap.activations()`). Bare
            two-dimensional parameters named here are taken for the right factor of `x @ w`.
        forward_map: What a recorded forward pass showed; tells both of these by itself.
        generator: Source of random numbers; None for torch's global one.

    Returns:
        What was done to each parameter.

    Raises:
        UsageError: For a scheme or an activation that does not exist.

    Source: He et al. 2015, arXiv 1502.01852; Glorot and Bengio 2010; see `SCHEMES`.

    >>> model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1))
    >>> report = initialize(model, generator=torch.Generator().manual_seed(0))
    >>> [(row.parameter, row.method) for row in report.filled][:2]
    [('0.weight', 'He normal, gain 1.41'), ('0.bias', 'constant 0')]
    """
    choose = _chooser(scheme)
    painter = Painter(model, generator)
    known = dict(forward_map.activations() if forward_map else {}) | dict(activations or {})
    for node in _nodes(model, forward_map, activations or {}):
        activation = known.get(node.name, node.activation)
        treat(painter, node, Plan(choose, None if node.output else activation), model)
    _shifts(painter, model, forward_map)
    return painter.report(model)


def auto(activation: str | None) -> Scheme:
    """The scheme that fits what follows.

    >>> auto("relu").name, auto("tanh").name, auto("selu").name, auto(None).name
    ('he', 'xavier', 'lecun', 'xavier')
    """
    if activation == "selu":
        return LECUN
    return XAVIER if activation is None or activation in _BOUNDED else HE


def _chooser(scheme: str) -> Callable[[str | None], Scheme]:
    if scheme == "auto":
        return auto
    if scheme not in SCHEMES:
        known = ", ".join(["auto", *SCHEMES])
        raise UsageError(f"there is no initialisation scheme {scheme!r}", hint=f"known: {known}")
    chosen = SCHEMES[scheme]
    return lambda _: chosen


def _nodes(
    model: nn.Module, forward_map: ForwardMap | None, activations: Mapping[str, str | None]
) -> list[LayerNode]:
    """Layers in forward order, then those that the pass did not reach, then named parameters."""
    nodes = list(forward_map.layers) if forward_map else []
    seen = {node.name for node in nodes}
    for node in registered_layers(model):
        if node.name not in seen:
            nodes.append(node)
            seen.add(node.name)
    parameters = dict(model.named_parameters())
    for name, activation in activations.items():
        if name in parameters and name not in seen and parameters[name].dim() == 2:
            weight = parameters[name]
            fans = (weight.shape[0], weight.shape[1])
            node = LayerNode(name, None, "Parameter", len(nodes), weight=weight, fans=fans)
            nodes.append(dataclasses.replace(node, activation=activation, unit_axis=1))
    return nodes


def _shifts(painter: Painter, model: nn.Module, forward_map: ForwardMap | None) -> None:
    """Bare parameters that are added to a bare layer's output are its bias: 0."""
    if forward_map is None:
        return
    bare = {layer.name: layer for layer in forward_map.layers if layer.module is None}
    for op in forward_map.ops:
        behind = forward_map.ops[op.inputs[0]].layer if op.inputs else None
        if op.name == "add" and behind in bare:
            names = op.parameters
        elif op.layer in bare and bare[op.layer].bias and len(op.parameters) == 2:
            names = op.parameters[1:]
        else:
            continue
        for name in names:
            owner, _, attribute = name.rpartition(".")
            painter.constant(model.get_submodule(owner), attribute, 0.0)
