"""What a trained model's outputs hang on."""

from __future__ import annotations

from torch import nn

from torchclinic.clinic.preflight.plain_model import uncompiled
from torchclinic.clinic.preflight.sampling import finite_rows, sample_of
from torchclinic.clinic.preflight.wiring.reach import reach_facts
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import ReachFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to
from torchclinic.training import preserved


def trained_reach(recipe: Recipe, model: nn.Module | None) -> ReachFacts | None:
    """What of the inputs the outputs of the watched run's model hang on; None where unknown."""
    if model is None:
        return None
    with preserved():
        try:
            sample = finite_rows(sample_of(recipe, recipe.splits.train))
        except TorchclinicError:  # the run itself has said so
            return None
        return reach_facts(uncompiled(model), batch_to(sample, recipe.device))
