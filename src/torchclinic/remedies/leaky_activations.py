"""Leaky ReLU in place of ReLU between layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn
from torch.nn import functional as F  # noqa: N812

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.remedies._activation_code import replacing_code
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._layers import hidden_with, model_of
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies.surgery import observe
from torchclinic.remedies.surgery.activations import Substitute, replace_activations

SLOPE = 0.1  # Xu et al. 2015 find 1/5.5 better than 0.01; a tenth is between the two
RECTIFIERS = frozenset({"relu", "relu6", "threshold"})


def leaky_relu() -> nn.Module:
    """The module that is put in."""
    return nn.LeakyReLU(SLOPE)


@dataclass(frozen=True)
class LeakyForRelu:
    """Replace every ReLU between layers by a leaky one."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        chosen = [op for op in anatomy.hidden_activations() if op.activation in RECTIFIERS]
        return replace_activations(anatomy, chosen, Substitute(leaky_relu, F.leaky_relu, (SLOPE,)))


@register
class LeakyActivations(BaseRemedy):
    """Replace ReLU between layers by a leaky ReLU, which passes a gradient on both sides."""

    name = "leaky-activations"
    title = "Leaky ReLU instead of ReLU"
    applicability = Applicability.UNSAFE
    reason = "a unit that is negative on every row still gets a gradient and can come back"
    source = "Xu et al. 2015, Empirical Evaluation of Rectified Activations, arXiv 1505.00853"
    place = Place.MODEL
    edit = LeakyForRelu()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when a hidden layer is followed by a ReLU."""
        facts = model_of(case)
        layers = hidden_with(facts, RECTIFIERS) if facts else ()
        if facts is None or not layers:
            return NotApplicable("no ReLU follows a hidden layer")
        code = replacing_code(
            self.name, facts, layers, f"nn.LeakyReLU({SLOPE})", f"F.leaky_relu(..., {SLOPE})"
        )
        return self.change(partial(edit_model, edit=self.edit), code)
