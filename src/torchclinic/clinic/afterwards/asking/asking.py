"""ask_loss(): what trained outputs are worth to the loss, on some rows of the training part."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from torchclinic.clinic.afterwards.asking.agreement import agreement, compared
from torchclinic.clinic.afterwards.asking.collapse import collapse
from torchclinic.clinic.afterwards.asking.commonest import commonest
from torchclinic.clinic.afterwards.asking.stand_in import StandIn
from torchclinic.clinic.preflight.plain_model import build_plain, uncompiled
from torchclinic.clinic.preflight.sampling import finite_rows, sample_of, thinned
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import AgreementFacts, CollapseFacts, CommonestFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to
from torchclinic.training import preserved

ROWS = 128
MAX_SECONDS = 0.5  # that an update may take: some fifteen forward passes may be made


class Asked(NamedTuple):
    """What was found out; None where it could not be.

    Attributes:
        agreement: Whether outputs follow their targets.
        collapse: Whether they differ between rows.
        commonest: Whether they tell more than the commonest target.
    """

    agreement: AgreementFacts | None = None
    collapse: CollapseFacts | None = None
    commonest: CommonestFacts | None = None


def ask_loss(recipe: Recipe, seed: int, model: nn.Module | None, step_seconds: float) -> Asked:
    """Compare trained outputs with untrained ones, with targets and with made-up outputs.

    Args:
        recipe: As it was run.
        seed: As it was run.
        model: The trained model.
        step_seconds: What an update takes.
    """
    if model is None or step_seconds > MAX_SECONDS:
        return Asked()
    with preserved():
        try:
            rows = thinned(finite_rows(sample_of(recipe, recipe.splits.train)), ROWS)
            untrained = build_plain(recipe, seed)
        except TorchclinicError:  # the run itself has said so
            return Asked()
        batch, trained = batch_to(rows, recipe.device), uncompiled(model)
        stand_in = StandIn(recipe, batch)
        before, after = stand_in.ask(untrained), stand_in.ask(trained)
        if before is None or after is None:
            return Asked()
        return Asked(
            agreement(stand_in, batch, before, after, trained),
            collapse(stand_in, before, after, trained),
            commonest(*compared(after, batch)),
        )
