"""The loss that fits what the model gives and what the targets are."""

from __future__ import annotations

from functools import partial

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.core.recipe import LossFunction
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import joined
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._fitting_loss import Fit, fitting_loss
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies.remove_output_activation import dropping_code
from torchclinic.remedies.surgery.output import DropOutputActivation


@register
class MatchLoss(BaseRemedy):
    """Replace a loss that does not fit the outputs and targets.

    Class numbers and one-hot rows get cross-entropy on raw scores, yes or no gets binary
    cross-entropy on raw scores, quantities get a squared error. An output activation that the new
    loss applies itself is left out; outputs and targets that would broadcast are brought into one
    shape.
    """

    name = "match-loss"
    title = "The loss that fits outputs and targets"
    applicability = Applicability.UNSAFE
    reason = "a loss that takes something else than it is given has its minimum in another place"
    source = "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.2"
    place = Place.LOSS

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies when outputs, targets and loss are known and do not fit."""
        if recipe.loss is None:
            return NotApplicable("a custom step computes the loss")
        fit = fitting_loss(recipe.loss, case)
        if isinstance(fit, NotApplicable):
            return fit
        transform = partial(_match, loss=fit.loss, drop=fit.drops_activation)
        return self.change(transform, _code(fit, case), title=fit.title)


def _match(recipe: Recipe, loss: LossFunction, *, drop: bool) -> Recipe:
    changed = recipe.replace(loss=loss)
    return edit_model(changed, DropOutputActivation()) if drop else changed


def _code(fit: Fit, case: Case) -> str:
    if not fit.drops_activation or case.recipe is None:
        return fit.code
    return joined(dropping_code("remove-output-activation", case.recipe.model), fit.code)
