"""Which layers of a model lack a norm, and which norm fits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from torchclinic.graph import LayerNode
from torchclinic.graph.layer_kinds import CONVOLUTIONS, RECURRENT, TRANSPOSED
from torchclinic.remedies.surgery.anatomy import Anatomy
from torchclinic.remedies.surgery.wrapping import Companion

_BATCH_NORMS = {3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
_DENSE = ("Linear", "Parameter")
_CONVOLUTIONS = (*CONVOLUTIONS, *TRANSPOSED)


def lacking(anatomy: Anatomy) -> list[LayerNode]:
    """Hidden layers whose output goes into a non-linearity without a norm on the way."""
    return [layer for layer in anatomy.map.layers if _lacks(anatomy, layer)]


def batch_norms(anatomy: Anatomy) -> list[Companion]:
    """A batch norm for each hidden layer that lacks a norm and works on rows or images."""
    found = []
    for layer in lacking(anatomy):
        make = _batch_norm(layer, anatomy.op_of(layer).shape)
        if make is not None and layer.calls == 1:
            found.append(Companion(layer, make, drops_bias=True, suffix="norm"))
    return found


def layer_norms(anatomy: Anatomy) -> list[Companion]:
    """A layer norm for each hidden layer that lacks a norm, and before heads of recurrent layers.

    Convolutions get a group norm with one group: the layer norm over channels and positions.
    """
    found = []
    for layer in lacking(anatomy):
        make = _layer_norm(layer, anatomy.op_of(layer).shape)
        if make is not None:
            found.append(Companion(layer, make, suffix="norm"))
    done = {companion.layer.name for companion in found}
    return found + [
        Companion(layer, partial(nn.LayerNorm, layer.module.in_features), before=True)
        for layer in anatomy.map.layers
        if isinstance(layer.module, nn.Linear)
        and layer.name not in done
        and _follows_recurrent(anatomy, layer)
    ]


def _lacks(anatomy: Anatomy, layer: LayerNode) -> bool:
    if layer.kind not in (*_DENSE, *_CONVOLUTIONS) or layer.output or layer.normalised:
        return False
    if layer.residual and anatomy.map.norms:  # the block has its norms where it wants them
        return False
    op = anatomy.activation_after(layer)
    if op is None:
        return layer.residual and layer.kind in _CONVOLUTIONS
    return op in anatomy.hidden_activations()


def _batch_norm(layer: LayerNode, shape: tuple[int, ...]) -> Callable[[], nn.Module] | None:
    if layer.kind in _CONVOLUTIONS and len(shape) in _BATCH_NORMS:
        return partial(_BATCH_NORMS[len(shape)], shape[1])
    return partial(nn.BatchNorm1d, shape[1]) if len(shape) == 2 else None


def _layer_norm(layer: LayerNode, shape: tuple[int, ...]) -> Callable[[], nn.Module] | None:
    if layer.kind in _CONVOLUTIONS:
        return partial(nn.GroupNorm, 1, shape[1])
    return partial(nn.LayerNorm, shape[-1]) if len(shape) >= 2 else None


def _follows_recurrent(anatomy: Anatomy, layer: LayerNode) -> bool:
    source = anatomy.source_of(anatomy.op_of(layer))
    return source is not None and source.name in RECURRENT
