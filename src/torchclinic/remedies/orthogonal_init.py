"""Orthogonal weights."""

from __future__ import annotations

from functools import partial

from torchclinic.core import Case, Change, NotApplicable, Recipe
from torchclinic.init import gain
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import number
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._initialise import Initialise, filling_code, hidden_activations
from torchclinic.remedies._layers import model_of, weighted
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._treat import treat_code


@register
class OrthogonalInit(BaseRemedy):
    """Orthogonal weights times the gain of the activation that follows, biases 0."""

    name = "orthogonal-init"
    title = "Orthogonal initialisation, biases 0"
    reason = "an orthogonal matrix keeps the length of every vector, however many are multiplied"
    source = "Saxe, McClelland and Ganguli 2013, arXiv 1312.6120"
    place = Place.WEIGHTS
    edit = Initialise("orthogonal")

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to every model with trainable weights."""
        facts = model_of(case)
        if facts is None or not weighted(facts):
            return NotApplicable("the model has no layers that are known")
        if not any(layer.trainable for layer in weighted(facts)):
            return NotApplicable("all layers are frozen")
        followed = hidden_activations(facts)
        code = treat_code(self.name)
        if len(followed) == 1:
            factor = gain(followed[0])
            more = f", gain={number(factor)}" if factor != 1 else ""
            hidden = f"nn.init.orthogonal_(layer.weight{more})"
            code = filling_code(self.name, facts, hidden, "nn.init.orthogonal_(layer.weight)")
        return self.change(partial(edit_model, edit=self.edit), code)
