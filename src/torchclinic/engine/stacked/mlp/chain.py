"""Whether a model is a plain chain of layers, found by tracing it with torch.fx."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import fx, nn

from torchclinic.engine.stacked.mlp.elementwise import (
    MODULES,
    Activation,
    activation_of_function,
    activation_of_module,
)

Kind = Literal["linear", "activation", "batch norm", "layer norm", "dropout", "flatten", "identity"]
_FLATTENERS = frozenset({"view", "reshape", "flatten"})
_SIZES = frozenset({"size", "dim"})
_LAYERS: Mapping[type[nn.Module], Kind] = {
    nn.Linear: "linear",
    nn.BatchNorm1d: "batch norm",
    nn.LayerNorm: "layer norm",
    nn.Dropout: "dropout",
    nn.Flatten: "flatten",
    nn.Identity: "identity",
    **dict.fromkeys(MODULES, "activation"),
}


@dataclass(frozen=True)
class Link:
    """One layer of a chain.

    Attributes:
        kind: What it does.
        name: Of the module; "" for a function.
        activation: The function, for an activation.
    """

    kind: Kind
    name: str = ""
    activation: Activation | None = None


def chain_of(model: nn.Module) -> tuple[Link, ...] | None:
    """The layers of a plain perceptron in the order in which they run; None for any other model.

    >>> [link.kind for link in chain_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))]
    ['linear', 'activation']
    """
    graph = _traced(model)
    if graph is None:
        return None
    nodes = [node for node in graph.nodes if not _is_size(node)]
    if len(nodes) < 3 or nodes[0].op != "placeholder" or nodes[-1].op != "output":
        return None
    links: list[Link] = []
    for before, node in pairwise(nodes[:-1]):
        link = _link(node, model) if _follows(before, node) else None
        if link is None:
            return None
        if link.kind != "identity":
            links.append(link)
    ends = _follows(nodes[-2], nodes[-1])
    names = [link.name for link in links if link.kind in ("linear", "batch norm", "layer norm")]
    return tuple(links) if ends and len(set(names)) == len(names) and names else None


def _traced(model: nn.Module) -> fx.Graph | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fx.Tracer().trace(model)
    except Exception:  # noqa: BLE001 - a forward may do anything with what it is not made for
        return None


def _is_size(node: fx.Node) -> bool:
    """Whether it only asks for the inputs' size, as `x.view(x.size(0), -1)` does."""
    if node.op == "call_method" and node.target in _SIZES:
        return True
    if node.op == "call_function" and node.target is getattr:
        return node.args[1] == "shape"
    inner = node.args[0] if node.args else None
    return (
        node.op == "call_function"
        and getattr(node.target, "__name__", "") == "getitem"
        and isinstance(inner, fx.Node)
        and _is_size(inner)
    )


def _follows(before: fx.Node, node: fx.Node) -> bool:
    """Whether a node takes the one before it, which nobody else does."""
    users = [user for user in before.users if not _is_size(user)]
    return bool(node.args) and node.args[0] is before and users == [node]


def _link(node: fx.Node, model: nn.Module) -> Link | None:
    if node.op == "call_module":
        return _of_module(str(node.target), model.get_submodule(str(node.target)))
    if node.op not in ("call_function", "call_method"):
        return None
    if node.target is torch.flatten or node.target in _FLATTENERS:
        return Link("flatten")
    others = [value for value in node.args[1:] if isinstance(value, fx.Node)]
    options: dict[str, Any] = dict(node.kwargs)
    if others or len(node.args) > 1 or any(isinstance(v, fx.Node) for v in options.values()):
        return None
    activation = activation_of_function(node.target, options)
    return None if activation is None else Link("activation", activation=activation)


def _of_module(name: str, module: nn.Module) -> Link | None:
    kind = _LAYERS.get(type(module))
    if kind is None or not module.training:
        return None
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) != 1:
        return None
    return Link(kind, name, activation_of_module(module))
