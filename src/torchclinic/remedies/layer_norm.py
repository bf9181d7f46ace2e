"""Layer normalisation between hidden layers and their activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn

from torchclinic.core import (
    Applicability,
    Case,
    Change,
    LayerFacts,
    ModelFacts,
    NotApplicable,
    Recipe,
)
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import names
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import (
    CONVOLUTIONAL,
    after_recurrent,
    model_of,
    names_tell,
    without_norm,
)
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import observe
from torchclinic.remedies.surgery.norms import layer_norms
from torchclinic.remedies.surgery.wrapping import accompany


@dataclass(frozen=True)
class InsertLayerNorm:
    """Put a layer norm behind each hidden layer that lacks a norm."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        return accompany(anatomy, layer_norms(anatomy))


@register
class LayerNorm(BaseRemedy):
    """Put a LayerNorm between each hidden layer and its activation.

    Convolutions get a GroupNorm with one group, which is the same over channels and positions; the
    head of a recurrent network gets a LayerNorm on what the recurrent layer hands over.
    """

    name = "layer-norm"
    title = "LayerNorm before the hidden activations"
    applicability = Applicability.UNSAFE
    reason = "each row's pre-activations are brought to mean 0 and variance 1, whatever the batch"
    source = "Ba, Kiros and Hinton 2016, Layer Normalization, arXiv 1607.06450"
    place = Place.MODEL
    edit = InsertLayerNorm()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to hidden layers without a norm, of every kind of data."""
        facts = model_of(case)
        if facts is None:
            return NotApplicable("the model is not known")
        layers = without_norm(facts)
        heads = [layer for layer in after_recurrent(facts) if layer not in layers]
        if not layers and not heads:
            return NotApplicable("each hidden layer with an activation has a norm")
        code = _code(self.name, facts, layers, heads)
        return self.change(partial(edit_model, edit=self.edit), code)


def _code(
    remedy: str, facts: ModelFacts, layers: Sequence[LayerFacts], heads: Sequence[LayerFacts]
) -> str:
    if not names_tell(facts, layers):
        after = ", ".join(layer.name for layer in layers)
        return treat_code(remedy, f"in __init__ and forward(): a LayerNorm after {after}, or")
    dense = [layer for layer in layers if layer.kind not in CONVOLUTIONAL]
    maps = [layer for layer in layers if layer.kind in CONVOLUTIONAL]
    blocks = []
    if dense:
        blocks.append(_behind(dense, "nn.LayerNorm(layer.out_features)"))
    if maps:
        blocks.append(_behind(maps, "nn.GroupNorm(1, layer.out_channels)"))
    if heads:
        blocks.append(_loop(heads, "nn.Sequential(nn.LayerNorm(layer.in_features), layer)"))
    return "from torch import nn\n\n" + "\n".join(blocks)


def _behind(layers: Sequence[LayerFacts], norm: str) -> str:
    return _loop(layers, f"nn.Sequential(layer, {norm})")


def _loop(layers: Sequence[LayerFacts], new: str) -> str:
    return (
        f"for name in {names(layer.name for layer in layers)}:\n"
        "    layer = model.get_submodule(name)\n"
        f"    model.set_submodule(name, {new})"
    )
