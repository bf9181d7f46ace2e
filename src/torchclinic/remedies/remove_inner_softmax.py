"""No softmax between layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.nn import functional as F  # noqa: N812

from torchclinic.core import Applicability, Case, Change, LayerFacts, NotApplicable, Recipe
from torchclinic.graph import Op, Role
from torchclinic.graph.op_kinds import LOOKED_THROUGH
from torchclinic.remedies._activation_code import replacing_code
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import model_of
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import Anatomy, observe
from torchclinic.remedies.surgery.activations import Substitute, replace_activations
from torchclinic.remedies.surgery.output import LEFT_OUT

SOFTMAXES = frozenset({"softmax", "log_softmax", "softmin"})


@dataclass(frozen=True)
class DropInnerSoftmax:
    """Put a ReLU in place of a softmax between layers, or nothing behind an activation."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        chosen = _inner(anatomy)
        alone = [op for op in chosen if not _after_activation(anatomy, op)]
        double = [op for op in chosen if op not in alone]
        if alone:
            model = replace_activations(anatomy, alone, Substitute(nn.ReLU, F.relu))
            if not double:
                return model
            anatomy = observe(model, sample)
            double = _inner(anatomy)
        return replace_activations(anatomy, double, LEFT_OUT)


@register
class RemoveInnerSoftmax(BaseRemedy):
    """Replace a softmax between layers by ReLU; attention and the output keep theirs."""

    name = "remove-inner-softmax"
    title = "No softmax between layers"
    applicability = Applicability.UNSAFE
    reason = "a softmax makes the units of a layer share a sum of 1, so their gradients shrink"
    source = "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.3"
    place = Place.MODEL
    edit = DropInnerSoftmax()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when the facts name a layer followed by a softmax."""
        facts = model_of(case)
        if facts is None or not facts.inner_softmax:
            return NotApplicable("no softmax stands between layers")
        found = [facts.layer(name) for name in facts.inner_softmax]
        layers: list[LayerFacts] = [layer for layer in found if layer is not None]
        plain = layers and all(layer.activation in SOFTMAXES for layer in layers)
        after = ", ".join(facts.inner_softmax)
        code = (
            replacing_code(self.name, facts, layers, "nn.ReLU()", "F.relu")
            if plain
            else treat_code(self.name, f"in forward(): no softmax after {after}")
        )
        title = f"No softmax after {after}"
        return self.change(partial(edit_model, edit=self.edit), code, title=title)


def _inner(anatomy: Anatomy) -> list[Op]:
    return [op for op in anatomy.hidden_activations() if op.activation in SOFTMAXES]


def _after_activation(anatomy: Anatomy, op: Op) -> bool:
    met = anatomy.graph.back(op.inputs, LOOKED_THROUGH)
    return any(before.role is Role.ACTIVATION for before in met)
