"""Shortcuts around hidden layers that keep the shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn

from torchclinic.core import Applicability, Case, Change, LayerFacts, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import submodule
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import hidden, model_of
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import observe
from torchclinic.remedies.surgery.shortcuts import add_shortcuts, blocks

NORMS = ("batch-norm", "layer-norm")


@dataclass(frozen=True)
class AddShortcuts:
    """Add the input of each layer with its activation to their output, where the shapes allow."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        return add_shortcuts(anatomy, blocks(anatomy))


@register
class ResidualConnections(BaseRemedy):
    """Give each hidden layer with as many outputs as inputs a shortcut around its activation."""

    name = "residual"
    title = "Residual connections around hidden layers"
    applicability = Applicability.UNSAFE
    reason = "the gradient reaches every layer through the sums, however deep the net"
    source = "He et al. 2016, Deep Residual Learning, arXiv 1512.03385"
    place = Place.MODEL
    edit = AddShortcuts()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies to hidden layers that keep the number of units and have no shortcut."""
        facts = model_of(case)
        layers = [layer for layer in hidden(facts) if _fits(layer)] if facts else []
        if not layers:
            return NotApplicable("no hidden layer without a shortcut keeps the number of its units")
        normed = any(change.remedy in NORMS for change in recipe.changes)
        code = _code(self.name, layers, normed=normed)
        return self.change(partial(edit_model, edit=self.edit), code)


def _fits(layer: LayerFacts) -> bool:
    shape = layer.weight_shape
    square = len(shape) >= 2 and shape[0] == shape[1]
    return square and layer.order > 0 and layer.activation is not None and not layer.residual


def _code(remedy: str, layers: Sequence[LayerFacts], *, normed: bool) -> str:
    spans = [_span(layer, normed=normed) for layer in layers]
    if any(span is None for span in spans):
        around = ", ".join(layer.name for layer in layers)
        return treat_code(remedy, f"in forward(): x = x + activation(layer(x)) for {around}")
    found = [span for span in spans if span is not None]
    containers = {container for container, _, _ in found}
    if len(containers) > 1 or any(stop != start + 1 for _, start, stop in found):
        return treat_code(remedy)
    path = submodule(containers.pop())
    places = tuple(start for _, start, _ in found)
    return (
        "from torch import nn\nfrom torchclinic.nn import Residual\n\n"
        f"for i in {places!r}:\n"
        f"    {path}[i] = Residual(nn.Sequential({path}[i], {path}[i + 1]))\n"
        f"    {path}[i + 1] = nn.Identity()"
    )


def _span(layer: LayerFacts, *, normed: bool) -> tuple[str, int, int] | None:
    """Container and places of a layer and its activation in an nn.Sequential.

    With norms that a remedy has put in, the layer stands first in an nn.Sequential in its place.
    """
    name = layer.name.removesuffix(".0") if normed and layer.normalised else layer.name
    container, _, first = name.rpartition(".")
    owner, _, last = (layer.activation_module or "").rpartition(".")
    if container != owner or not first.isdigit() or not last.isdigit():
        return None
    return container, int(first), int(last)
