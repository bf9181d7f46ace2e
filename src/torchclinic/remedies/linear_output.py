"""A linear head for regression."""

from __future__ import annotations

from functools import partial

from torchclinic.core import Applicability, Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._output_range import VALUE_LOSSES, out_of_reach
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies.remove_output_activation import dropping_code
from torchclinic.remedies.surgery.output import DropOutputActivation


@register
class LinearOutput(BaseRemedy):
    """Leave out a ReLU, sigmoid or tanh at the end of a regression whose targets exceed it."""

    name = "linear-output"
    title = "Linear output for the regression"
    applicability = Applicability.UNSAFE
    reason = "targets beyond the range of the output activation can never be reached"
    source = "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.2.2.1"
    place = Place.MODEL
    edit = DropOutputActivation()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to losses of differences with targets that the output cannot reach."""
        if case.recipe is None or case.recipe.loss_kind not in VALUE_LOSSES:
            return NotApplicable("it is no regression")
        name = case.recipe.model.output_activation
        if name is None:
            return NotApplicable("the output is linear already")
        if not out_of_reach(case):
            return NotApplicable(f"the targets lie in the range of {name}")
        code = dropping_code(self.name, case.recipe.model)
        title = f"Linear output instead of {name}"
        return self.change(partial(edit_model, edit=self.edit), code, title=title)
