"""ReLU in place of saturating activations between layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.nn import functional as F  # noqa: N812

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.functional import is_saturating
from torchclinic.remedies._activation_code import replacing_code
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import hidden_with, model_of
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies.surgery import observe
from torchclinic.remedies.surgery.activations import Substitute, replace_activations


@dataclass(frozen=True)
class ReluForSaturating:
    """Replace every saturating activation between layers by ReLU."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        chosen = [op for op in anatomy.hidden_activations() if is_saturating(op.activation)]
        return replace_activations(anatomy, chosen, Substitute(nn.ReLU, F.relu))


@register
class ReluActivations(BaseRemedy):
    """Replace sigmoid, tanh and their like between layers by ReLU.

    Output activations, gates, attention and the inside of recurrent layers keep theirs.
    """

    name = "relu-activations"
    title = "ReLU instead of saturating activations"
    applicability = Applicability.UNSAFE
    reason = "the slope of a sigmoid is at most 1/4, that of a ReLU is 1: gradients survive depth"
    source = "Glorot, Bordes and Bengio 2011, Deep Sparse Rectifier Neural Networks, AISTATS"
    place = Place.MODEL
    edit = ReluForSaturating()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when a hidden layer is followed by a saturating activation."""
        facts = model_of(case)
        layers = hidden_with(facts, None) if facts else ()
        if facts is None or not layers:
            return NotApplicable("no saturating activation follows a hidden layer")
        old = " and ".join(dict.fromkeys(layer.activation or "" for layer in layers))
        code = replacing_code(self.name, facts, layers, "nn.ReLU()", "F.relu")
        title = f"ReLU instead of {old}"
        return self.change(partial(edit_model, edit=self.edit), code, title=title)
