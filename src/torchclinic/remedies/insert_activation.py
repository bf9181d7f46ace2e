"""A non-linearity between layers that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn

from torchclinic.core import Applicability, Case, Change, ModelFacts, NotApplicable, Recipe
from torchclinic.graph import LayerNode, Role, is_norm
from torchclinic.graph.op_kinds import LOOKED_THROUGH
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import names, submodule
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import model_of
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import Anatomy, observe
from torchclinic.remedies.surgery.wrapping import Companion, accompany


@dataclass(frozen=True)
class InsertActivation:
    """Put a ReLU behind each layer that another layer follows with nothing non-linear between."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        first = dict.fromkeys(pair[0] for pair in anatomy.map.linear_pairs)
        layers = [anatomy.map.layer(name) for name in first]
        behind = [_norm_after(anatomy, layer) for layer in layers if layer is not None]
        return accompany(anatomy, [Companion(x, nn.ReLU, suffix="relu") for x in behind])


@register
class InsertNonlinearity(BaseRemedy):
    """Insert a ReLU between layers that make one affine map together; behind a norm, if any."""

    name = "insert-activation"
    title = "ReLU between layers that have no non-linearity"
    applicability = Applicability.UNSAFE
    reason = "two linear layers in a row can only express what one can"
    source = "Nair and Hinton 2010, Rectified Linear Units, ICML"
    place = Place.MODEL
    edit = InsertActivation()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when the facts name a pair of layers with nothing non-linear between."""
        facts = model_of(case)
        if facts is None or not facts.linear_pairs:
            return NotApplicable("there is a non-linearity between any two layers")
        first = list(dict.fromkeys(pair[0] for pair in facts.linear_pairs))
        code = _code(self.name, facts, first)
        title = f"ReLU after {', '.join(first)}"
        return self.change(partial(edit_model, edit=self.edit), code, title=title)


def _norm_after(anatomy: Anatomy, layer: LayerNode) -> LayerNode:
    """The last norm that only this layer's output goes through, else the layer."""
    found = layer
    for op in anatomy.graph.ahead(anatomy.op_of(layer), LOOKED_THROUGH):
        node = anatomy.map.layer(op.layer) if op.layer and op.role is Role.NORM else None
        if node is not None and node.module is not None and node.calls == 1:
            found = node
    return found


def _code(remedy: str, facts: ModelFacts, first: Sequence[str]) -> str:
    places = [_place(facts, name) for name in first]
    if any(place is None for place in places):
        return treat_code(remedy, f"in forward(): F.relu(...) after {', '.join(first)}")
    found = [place for place in places if place is not None]
    if len(found) == 1:
        path = submodule(found[0])
        line = f'model.set_submodule("{found[0]}", nn.Sequential({path}, nn.ReLU()))'
        return f"from torch import nn\n\n{line}"
    return (
        f"from torch import nn\n\nfor name in {names(found)}:\n"
        "    model.set_submodule(name, nn.Sequential(model.get_submodule(name), nn.ReLU()))"
    )


def _place(facts: ModelFacts, name: str) -> str | None:
    """Name of the layer, or of the norm right behind it; None for a bare parameter."""
    ordered = sorted(facts.layers, key=lambda layer: layer.order)
    at = next(i for i, layer in enumerate(ordered) if layer.name == name)
    if ordered[at].kind == "Parameter":
        return None
    for layer in ordered[at + 1 :]:
        if not is_norm(layer.kind):
            break
        name = layer.name
    return name
