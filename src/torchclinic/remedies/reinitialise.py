"""Weights drawn anew, at the scale that the activations need."""

from __future__ import annotations

from functools import partial

from torchclinic.core import Case, Change, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._initialise import (
    BOUNDED,
    Initialise,
    filling_code,
    hidden_activations,
    scheme_line,
)
from torchclinic.remedies._layers import model_of, weighted
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._treat import treat_code


@register
class Reinitialise(BaseRemedy):
    """He initialisation before ReLU and its kin, Xavier before bounded activations, biases 0.

    The activations are those that really follow each layer once all other changes are made.
    Frozen parameters keep their values.
    """

    name = "reinitialise"
    title = "Initialisation that fits the activations"
    reason = "activations and gradients then keep their size from layer to layer"
    source = "He et al. 2015, arXiv 1502.01852; Glorot and Bengio 2010, AISTATS"
    place = Place.WEIGHTS
    edit = Initialise()

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
            code = filling_code(self.name, facts, scheme_line(followed[0]), scheme_line(None))
        title = f"{_scheme(followed)}, biases 0"
        return self.change(partial(edit_model, edit=self.edit), code, title=title)


def _scheme(activations: tuple[str, ...]) -> str:
    before = f" for {' and '.join(activations)}" if activations else ""
    if activations == ("selu",):
        return f"LeCun initialisation{before}"
    bounded = [name in BOUNDED for name in activations]
    if all(bounded):
        return f"Xavier initialisation{before}"
    return f"Initialisation{before}" if any(bounded) else f"He initialisation{before}"
