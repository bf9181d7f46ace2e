"""Shortcuts around a layer with its norm and activation."""

from __future__ import annotations

import itertools
import operator
from dataclasses import dataclass

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.graph import LayerNode, Op, Role
from torchclinic.nn import Residual
from torchclinic.remedies.surgery.anatomy import Anatomy
from torchclinic.remedies.surgery.traced import Traced


@dataclass(frozen=True)
class Block:
    """A layer and the activation after it, of equal input and output shape."""

    layer: LayerNode
    activation: Op


def blocks(anatomy: Anatomy) -> list[Block]:
    """Blocks that keep the shape and have no shortcut yet; not the first layer, not the last."""
    found = []
    for layer in anatomy.map.layers:
        op = anatomy.activation_after(layer)
        if op is not None and _may_have_one(anatomy, layer, op):
            found.append(Block(layer, op))
    return found


def add_shortcuts(anatomy: Anatomy, chosen: list[Block]) -> nn.Module:
    """The model in which the input of each block is added to its output.

    Neighbours in an `nn.Sequential` become one `Residual` in the place of the first and an
    `nn.Identity` in the places of the others; elsewhere the forward is traced and changed.

    Raises:
        SurgeryError: Without blocks, or if a graph would be needed and cannot be had.
    """
    if not chosen:
        raise SurgeryError("no hidden layer keeps the shape of its input without a shortcut")
    spans = [(block, _span(anatomy, block)) for block in chosen]
    rest = [block for block, span in spans if span is None]
    model = _in_graph(anatomy, rest) if rest else anatomy.model
    for _, span in spans:
        if span is not None:
            _wrap(model, *span)
    return model


def _may_have_one(anatomy: Anatomy, layer: LayerNode, activation: Op) -> bool:
    if layer.residual or layer.output or layer.calls != 1 or layer.is_norm:
        return False
    if layer.module is not None and not anatomy.may_change(layer.name):
        return False
    op = anatomy.op_of(layer)
    if activation not in anatomy.hidden_activations() or len(op.inputs) != 1:
        return False
    source = anatomy.map.ops[op.inputs[0]]
    return source.role is not Role.INPUT and source.shape == op.shape == activation.shape


def _span(anatomy: Anatomy, block: Block) -> tuple[str, list[str]] | None:
    """Container and keys from layer to activation, if they are neighbours in an nn.Sequential.

    The layer may stand in an nn.Sequential of its own there, with a norm behind it.
    """
    if block.layer.module is None or block.activation.module is None:
        return None
    container, _, last = block.activation.module.rpartition(".")
    parent = anatomy.model.get_submodule(container)
    prefix = f"{container}." if container else ""
    if not isinstance(parent, nn.Sequential) or not block.layer.name.startswith(prefix):
        return None
    first, _, inner = block.layer.name.removeprefix(prefix).partition(".")
    if inner and not _leads(parent.get_submodule(first), inner):
        return None
    keys = list(parent._modules)  # named_children() hides repetitions
    start, stop = keys.index(first), keys.index(last)
    return (container, keys[start : stop + 1]) if start < stop else None


def _leads(module: nn.Module, path: str) -> bool:
    """Whether a path leads to a layer that nothing but dropout comes before."""
    for key in path.split("."):
        if not isinstance(module, nn.Sequential):
            return False
        before = itertools.takewhile(
            lambda item, stop=key: item[0] != stop, module.named_children()
        )
        if not all(isinstance(child, nn.Dropout) for _, child in before):
            return False
        module = module.get_submodule(key)
    return True


def _wrap(model: nn.Module, container: str, keys: list[str]) -> None:
    parent = model.get_submodule(container)
    members = [parent.get_submodule(key) for key in keys]
    setattr(parent, keys[0], Residual(nn.Sequential(*members)).train(parent.training))
    for key in keys[1:]:
        setattr(parent, key, nn.Identity().train(parent.training))


def _in_graph(anatomy: Anatomy, chosen: list[Block]) -> nn.Module:
    traced = Traced(anatomy.model, anatomy.map.ops)
    for block in chosen:
        data = traced.data_of(traced.layer(block.layer))
        traced.insert_function(traced.activation(block.activation), operator.add, data)
    return traced.finished()
