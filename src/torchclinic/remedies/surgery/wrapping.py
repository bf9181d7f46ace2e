"""Put modules before or behind a layer: around the module, or in the traced graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.graph import LayerNode
from torchclinic.nn.surgery import alike, replace_module
from torchclinic.remedies.surgery.anatomy import Anatomy
from torchclinic.remedies.surgery.traced import Traced


@dataclass(frozen=True)
class Companion:
    """A module that a layer gets.

    Attributes:
        layer: The layer.
        make: Makes the module, under the random numbers of the model's construction.
        before: Whether it works on the layer's input instead of its output.
        drops_bias: Whether it makes the layer's bias redundant.
        suffix: Of its name in a traced graph.
    """

    layer: LayerNode
    make: Callable[[], nn.Module]
    before: bool = False
    drops_bias: bool = False
    suffix: str = "extra"


def accompany(anatomy: Anatomy, companions: Sequence[Companion]) -> nn.Module:
    """The model in which layers have got companions.

    A layer that is a module becomes `nn.Sequential(layer, companion)`; for a bare parameter in a
    matrix product the forward is traced and changed.

    Raises:
        SurgeryError: Without companions, or if a graph would be needed and cannot be had.
    """
    companions = [
        x for x in companions if x.layer.module is None or anatomy.may_change(x.layer.name)
    ]
    if not companions:
        raise SurgeryError("there is no layer in the model that it would fit to")
    bare = [companion for companion in companions if companion.layer.module is None]
    model = anatomy.model
    if bare:
        model = _in_graph(anatomy, bare)
    for companion in companions:
        if companion.layer.module is not None:
            model = _around(model, companion)
    return model


def _around(model: nn.Module, companion: Companion) -> nn.Module:
    layer = model.get_submodule(companion.layer.name)
    new = alike(companion.make(), layer)
    if companion.drops_bias and isinstance(getattr(layer, "bias", None), nn.Parameter):
        layer.register_parameter("bias", None)
    pair = (new, layer) if companion.before else (layer, new)
    return replace_module(model, layer, nn.Sequential(*pair).train(layer.training))


def _in_graph(anatomy: Anatomy, companions: Sequence[Companion]) -> nn.Module:
    traced = Traced(anatomy.model, anatomy.map.ops)
    for companion in companions:
        node = traced.layer(companion.layer)
        name = f"{companion.layer.name}_{companion.suffix}"
        if companion.before:
            traced.insert_before(node, name, companion.make())
            continue
        place = traced.biased(node)
        traced.insert_module(place, name, companion.make())
        if companion.drops_bias and place is not node:
            place.replace_all_uses_with(node)
            traced.graph.erase_node(place)
    return traced.finished()
