"""Stop when the validation loss no longer falls, and keep the best weights."""

from __future__ import annotations

from functools import partial

from torchclinic.core import Case, Change, EarlyStopping, NotApplicable, Recipe
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

PATIENCE = 5  # evaluations; Prechelt's UP_s with s from 3 to 6 trades time for quality best


@register
class StopEarly(BaseRemedy):
    """Early stopping on the validation loss with the best weights restored."""

    name = "early-stopping"
    title = f"Early stopping, patience {PATIENCE}"
    reason = "training past the best validation loss only learns the noise of the training rows"
    source = "Prechelt 1998, Early Stopping - But When?, doi 10.1007/3-540-49430-8_3"
    place = Place.LOOP

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies when there is a validation part and no early stopping yet."""
        if recipe.early_stopping is not None:
            return NotApplicable(f"it stops early already: {recipe.early_stopping}")
        if recipe.splits.validation is None:
            return NotApplicable("there is no validation part to stop by: split one off")
        return self.change(partial(_stop_early, patience=PATIENCE), _CODE)


def _stop_early(recipe: Recipe, patience: int) -> Recipe:
    return recipe.replace(early_stopping=EarlyStopping(patience=patience, restore_best=True))


_CODE = f"""
import copy
import math

best_loss, best_weights, bad_epochs = math.inf, None, 0


def should_stop(model, validation_loss):  # after each epoch: if should_stop(...): break
    global best_loss, best_weights, bad_epochs
    if validation_loss < best_loss:
        best_loss, bad_epochs = validation_loss, 0
        best_weights = copy.deepcopy(model.state_dict())
    else:
        bad_epochs += 1
    if bad_epochs >= {PATIENCE}:
        model.load_state_dict(best_weights)
    return bad_epochs >= {PATIENCE}
"""
