"""Whether a model is made of nothing but layers known here, found by tracing it with torch.fx."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import fx, nn

from torchclinic.engine.stacked.mlp.elementwise import (
    MODULES,
    Activation,
    activation_of_function,
    activation_of_module,
)

Kind = Literal[
    "linear", "activation", "batch norm", "layer norm", "dropout", "flatten", "identity",
    "add", "arithmetic",
]  # fmt: skip
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
_OPERATIONS: Mapping[Any, str] = {
    operator.add: "add",
    operator.iadd: "add",
    torch.add: "add",
    operator.sub: "sub",
    torch.sub: "sub",
    operator.mul: "mul",
    torch.mul: "mul",
    operator.truediv: "div",
    torch.div: "div",
}


@dataclass(frozen=True)
class Link:
    """One layer of a model.

    Attributes:
        kind: What it does.
        inputs: What it takes: 0 for the model's inputs, n for the outputs of the n-th layer.
        name: Of the module, or of the buffer that enters the arithmetic; "" for neither.
        activation: The function, for an activation.
        operation: "add", "sub", "mul" or "div", for arithmetic with a number or a buffer.
        number: The number.
    """

    kind: Kind
    inputs: tuple[int, ...] = (0,)
    name: str = ""
    activation: Activation | None = None
    operation: str = ""
    number: float = 0.0


def links_of(model: nn.Module) -> tuple[Link, ...] | None:
    """The layers of a perceptron in the order in which they run; None for any other model.

    Layers may go around others, as in a residual net.

    >>> [link.kind for link in links_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))]
    ['linear', 'activation']
    """
    graph = _traced(model)
    nodes = [] if graph is None else [node for node in graph.nodes if not _is_size(node)]
    if len(nodes) < 3 or nodes[0].op != "placeholder" or nodes[-1].op != "output":
        return None
    places: dict[fx.Node, int] = {nodes[0]: 0}
    links: list[Link] = []
    for node in nodes[1:-1]:
        if node.op == "get_attr":
            continue
        link = _link(node, model, places)
        if link is None:
            return None
        if link.kind == "identity":
            places[node] = link.inputs[0]
            continue
        links.append(link)
        places[node] = len(links)
    whole = places.get(nodes[-1].args[0]) == len(links)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return tuple(links) if whole and _each_once(links) else None


def _each_once(links: list[Link]) -> bool:
    """Whether there are layers with parameters, and each runs once."""
    names = [link.name for link in links if link.kind in ("linear", "batch norm", "layer norm")]
    return bool(names) and len(set(names)) == len(names)


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
    return node.target is operator.getitem and isinstance(inner, fx.Node) and _is_size(inner)


def _link(node: fx.Node, model: nn.Module, places: Mapping[fx.Node, int]) -> Link | None:
    """The layer of a node; None if it is none of the known."""
    first = node.args[0] if node.args else None
    if not isinstance(first, fx.Node) or first not in places:
        return None
    if node.op == "call_module" and len(node.args) == 1 and not node.kwargs:
        found = _of_module(str(node.target), model.get_submodule(str(node.target)))
    elif node.target in _OPERATIONS:
        return _arithmetic(node, model, places)
    elif node.op in ("call_function", "call_method"):
        found = _of_function(node)
    else:
        found = None
    return None if found is None else replace(found, inputs=(places[first],))


def _of_module(name: str, module: nn.Module) -> Link | None:
    kind = _LAYERS.get(type(module))
    if kind is None or not module.training:
        return None
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) != 1:
        return None
    return Link(kind, name=name, activation=activation_of_module(module))


def _of_function(node: fx.Node) -> Link | None:
    if node.target is torch.flatten or node.target in _FLATTENERS:
        return Link("flatten")
    numbers = (*node.args[1:], *node.kwargs.values())
    if any(isinstance(value, fx.Node) for value in numbers):
        return None
    activation = activation_of_function(node.target, node.args[1:], node.kwargs)
    return None if activation is None else Link("activation", activation=activation)


def _arithmetic(node: fx.Node, model: nn.Module, places: Mapping[fx.Node, int]) -> Link | None:
    """A sum of two layers' outputs, or arithmetic with a number or a buffer on the right."""
    if len(node.args) != 2 or node.kwargs:
        return None
    operation = _OPERATIONS[node.target]
    left, right = node.args
    inputs = (places[left],)  # pyright: ignore[reportArgumentType, reportCallIssue]
    if isinstance(right, fx.Node):
        if right in places:
            both = (*inputs, places[right])
            return Link("add", inputs=both) if operation == "add" else None
        name = str(right.target)
        held = right.op == "get_attr" and name in dict(model.named_buffers())
        return Link("arithmetic", inputs, name, operation=operation) if held else None
    if isinstance(right, int | float):
        return Link("arithmetic", inputs, operation=operation, number=float(right))
    return None
