"""Let all parameters be trained."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._edited_optimizer import edit_optimizer
from torchclinic.remedies._layers import model_of
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._sample import Sample
from torchclinic.remedies.rebuild_optimizer import HoldAllParameters


@dataclass(frozen=True)
class RequireGradients:
    """Make every parameter trainable."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:  # noqa: ARG002
        """The same model."""
        return model.requires_grad_(True)


@register
class Unfreeze(BaseRemedy):
    """Make frozen parameters trainable and hand them to the optimizer."""

    name = "unfreeze"
    title = "All parameters trainable"
    applicability = Applicability.UNSAFE
    reason = "frozen layers keep their weights, whatever the loss says"
    source = "torch.Tensor.requires_grad_, https://docs.pytorch.org"
    place = Place.MODEL
    edit = RequireGradients()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when a parameter requires no gradient."""
        facts = model_of(case)
        if facts is None or facts.trainable >= facts.parameters:
            return NotApplicable("all parameters are trainable")
        frozen = [layer.name for layer in facts.layers if not layer.trainable]
        code = "model.requires_grad_(True)  # before the optimizer is created"
        title = f"All parameters trainable, also of {', '.join(frozen)}" if frozen else None
        return self.change(_unfreeze, code, title=title)


def _unfreeze(recipe: Recipe) -> Recipe:
    return edit_optimizer(edit_model(recipe, RequireGradients()), HoldAllParameters())
