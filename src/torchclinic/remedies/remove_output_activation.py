"""Raw scores for losses that take raw scores."""

from __future__ import annotations

from functools import partial

from torchclinic.core import Applicability, Case, Change, ModelFacts, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import submodule
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._output_range import out_of_reach
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery.output import DropOutputActivation

# log_softmax before cross-entropy changes nothing: a softmax of log-probabilities gives them back.
HARMLESS = {"cross-entropy": ("log_softmax",), "bce-with-logits": ()}


@register
class RemoveOutputActivation(BaseRemedy):
    """Leave out the activation at the end of the model where the loss wants what is before it.

    That is a softmax or another bound before cross-entropy, a sigmoid or another bound before
    binary cross-entropy with logits, and in a regression a bound that the targets exceed.
    """

    name = "remove-output-activation"
    title = "No activation on the output"
    applicability = Applicability.UNSAFE
    reason = "the loss applies its own; applied twice, even a perfect prediction has a large loss"
    source = "torch.nn.CrossEntropyLoss, BCEWithLogitsLoss, https://docs.pytorch.org"
    place = Place.MODEL
    edit = DropOutputActivation()

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when the output is an activation that the loss does not want."""
        if case.recipe is None:
            return NotApplicable("the model is not known")
        name = case.recipe.model.output_activation
        if name is None:
            return NotApplicable("the model's output is no activation")
        kind = case.recipe.loss_kind
        if kind in HARMLESS:
            if name in HARMLESS[kind]:
                return NotApplicable(f"{name} before {kind} changes nothing")
        elif not out_of_reach(case):
            return NotApplicable(f"{name} fits the loss {case.recipe.loss}")
        code = dropping_code(self.name, case.recipe.model)
        title = f"No {name} on the output"
        return self.change(partial(edit_model, edit=self.edit), code, title=title)


def dropping_code(remedy: str, facts: ModelFacts) -> str:
    """Code that leaves out the output activation."""
    slot = facts.output_activation_module
    if slot is None:
        name = facts.output_activation
        return treat_code(remedy, f"in forward(): return the scores without {name}")
    return f"from torch import nn\n\n{submodule(slot)} = nn.Identity()"
