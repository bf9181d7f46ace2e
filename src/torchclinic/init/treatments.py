"""How each kind of layer is initialised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from torchclinic.graph import LayerNode, is_norm
from torchclinic.graph.layer_kinds import EMBEDDINGS, MAPS, RECURRENT
from torchclinic.init.gain import gain
from torchclinic.init.painter import Painter
from torchclinic.init.schemes import NORMAL, ORTHOGONAL, XAVIER, Scheme


@dataclass(frozen=True)
class Plan:
    """What a layer is to get.

    Attributes:
        scheme: Activation (None for none) -> the scheme for its weight.
        activation: The non-linearity that follows, or None.
        factor: Its gain, where its parameters are not the usual ones; None for the usual one.
        scale: What the weights are multiplied by in the end.
    """

    scheme: Callable[[str | None], Scheme]
    activation: str | None = None
    factor: float | None = None
    scale: float = 1.0

    @property
    def gain(self) -> float:
        """Of the non-linearity that follows."""
        return gain(self.activation) if self.factor is None else self.factor

    @property
    def chosen(self) -> Scheme:
        """The scheme for a layer's own weight."""
        return self.scheme(self.activation).times(self.scale)


def treat(painter: Painter, node: LayerNode, plan: Plan, model: nn.Module) -> None:
    """Initialise one layer; what no treatment knows is left as it is."""
    if node.module is None:
        _bare(painter, node, plan, model)
    elif is_norm(node.kind):
        norm(painter, node.module)
    elif node.kind in RECURRENT:
        recurrent(painter, node.module, plan, node.kind)
    elif node.kind in EMBEDDINGS:
        embedding(painter, node.module, model)
    elif node.kind == "MultiheadAttention":
        attention(painter, node.module, plan)
    elif (node.kind in MAPS or node.kind == "Bilinear") and node.fans is not None:
        _map(painter, node, plan)


def _map(painter: Painter, node: LayerNode, plan: Plan) -> None:
    assert node.module is not None
    assert node.fans is not None
    painter.matrix(
        node.module, "weight", plan.chosen, node.fans, plan.gain, unit_axis=node.unit_axis
    )
    painter.constant(node.module, "bias", 0.0)


def _bare(painter: Painter, node: LayerNode, plan: Plan, model: nn.Module) -> None:
    owner, _, attribute = node.name.rpartition(".")
    if node.fans is None:
        return
    painter.matrix(
        model.get_submodule(owner),
        attribute,
        plan.chosen,
        node.fans,
        plan.gain,
        unit_axis=node.unit_axis,
    )


def norm(painter: Painter, module: nn.Module) -> None:
    """Scale 1, shift 0, running statistics as at the start; a norm of the user's own is left."""
    if type(module).__module__.startswith("torch."):
        painter.constant(module, "weight", 1.0)
        painter.constant(module, "bias", 0.0)
        reset: Any = getattr(module, "reset_running_stats", None)
        if reset is not None:
            reset()


def embedding(painter: Painter, module: nn.Module, model: nn.Module) -> None:
    """N(0, 1) as torch does, N(0, 0.02^2) where the weight is an output layer's too; padding 0."""
    layer: Any = module
    tied = sum(p is layer.weight for m in model.modules() for p in m._parameters.values()) > 1
    width = layer.embedding_dim
    painter.matrix(layer, "weight", NORMAL if tied else _UNIT, (1, width))
    if layer.padding_idx is not None and layer.weight.requires_grad:
        with torch.no_grad():
            layer.weight[layer.padding_idx].zero_()


_UNIT = Scheme("unit", "normal, std 1", lambda fill: fill.normal(1.0), lambda _: 1.0, "torch")


def recurrent(painter: Painter, module: nn.Module, plan: Plan, kind: str) -> None:
    """Input weights by the scheme, recurrent ones orthogonal, each gate on its own.

    Biases are 0, but 1 for the gate that keeps the state: the forget gate of an LSTM and the
    update gate of a GRU, both the second of the block.

    Source: Saxe et al. 2013, arXiv 1312.6120; Jozefowicz et al. 2015, section 2.2, ICML.
    """
    layer: Any = module
    gates = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3}.get(kind, 1)
    plain = getattr(layer, "nonlinearity", "tanh") if gates == 1 else None
    for name, parameter in list(module.named_parameters(recurse=False)):
        width, hidden = parameter.shape[-1], parameter.shape[0] // gates
        if name.startswith("weight_ih"):
            scheme, fans = plan.scheme(plain), (width, hidden)
            painter.matrix(module, name, scheme, fans, gain(plain), blocks=gates)
        elif name.startswith("weight_hh"):
            painter.matrix(module, name, ORTHOGONAL, (width, hidden), blocks=gates)
        elif name.startswith("weight_hr"):
            painter.matrix(module, name, plan.scheme(None), (width, parameter.shape[0]))
        elif gates > 1 and name.startswith("bias_ih"):
            value = torch.zeros(gates, hidden)
            value[1] = 1.0
            painter.bias(module, name, value.flatten(), "constant 0, 1 for the gate that keeps")
        else:
            painter.constant(module, name, 0.0)


def attention(painter: Painter, module: nn.Module, plan: Plan) -> None:
    """Query, key, value and output projections each as a layer of their own, without gain."""
    layer: Any = module
    scheme = plan.scheme(None)
    width = layer.embed_dim
    painter.matrix(module, "in_proj_weight", scheme, (width, width), blocks=3)
    for name, size in (
        ("q_proj_weight", width),
        ("k_proj_weight", layer.kdim),
        ("v_proj_weight", layer.vdim),
    ):
        painter.matrix(module, name, scheme, (size, width))
    painter.constant(module, "in_proj_bias", 0.0)
    painter.matrix(layer.out_proj, "weight", scheme, (width, width))
    painter.constant(layer.out_proj, "bias", 0.0)
    for name in ("bias_k", "bias_v"):
        painter.matrix(module, name, XAVIER, (width, width), unit_axis=2)
