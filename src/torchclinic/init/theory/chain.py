"""The layers of a net that is a chain, as mean-field theory wants them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor, nn

from torchclinic.core import ModelError
from torchclinic.graph import ForwardMap, LayerNode
from torchclinic.graph.layer_kinds import CONVOLUTIONS, MAPS
from torchclinic.init.batch import check_finite, recorded


@dataclass(frozen=True, eq=False)
class Link:
    """A layer of the chain.

    Attributes:
        name: Qualified name.
        activation: What follows: a module where it is one, else a function's name, or None.
        fan_in: Inputs of a unit.
        fan_out: Outputs that an input feeds.
        weight: Mean square of its weights.
        bias: Mean square of its biases.
    """

    name: str
    activation: str | nn.Module | None
    fan_in: int
    fan_out: float
    weight: float
    bias: float


def chain(model: nn.Module, inputs: Any) -> tuple[Link, ...]:
    """The layers of a chain of linear and convolutional layers with activations of elements.

    Raises:
        ModelError: For a net that is none: with a shortcut, a norm, a recurrent layer, attention,
            a layer used twice, or a parameter outside of such layers.
        DataError: For inputs with values that are not finite.
    """
    check_finite(inputs)
    seen = recorded(model, inputs)
    reason = _why_none(seen)
    if reason:
        raise ModelError(
            f"{type(model).__name__} is no chain of layers: {reason}",
            hint="the theory here is of linear and convolutional layers one after the other",
        )
    return tuple(_link(model, layer) for layer in seen.layers)


def _why_none(seen: ForwardMap) -> str:
    if not seen.layers:
        return "no layer with weights ran"
    if seen.residual:
        return "there is a shortcut"
    if seen.norms:
        return "there is a norm"
    for layer in seen.layers:
        if layer.kind not in MAPS or layer.fans is None:
            return f"{layer.name} is a {layer.kind}"
        if layer.calls > 1:
            return f"{layer.name} is used {layer.calls} times"
    return ""


def _link(model: nn.Module, layer: LayerNode) -> Link:
    assert layer.fans is not None
    owner: Any = layer.module
    weight: Tensor = layer.weight if owner is None else owner.weight  # type: ignore[assignment]
    bias = None if owner is None else owner.bias
    strides = prod(getattr(owner, "stride", ())) if layer.kind in CONVOLUTIONS else 1
    activation: str | nn.Module | None = layer.activation
    if layer.activation_module is not None:
        activation = model.get_submodule(layer.activation_module)
    return Link(
        layer.name,
        activation,
        layer.fans[0],
        layer.fans[1] / strides,
        float(weight.detach().double().square().mean()),
        0.0 if bias is None else float(bias.detach().double().square().mean()),
    )
