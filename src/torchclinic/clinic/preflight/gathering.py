"""gather(): all facts that can be had before the training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from torchclinic.clinic.preflight.batch import batch_facts
from torchclinic.clinic.preflight.data.labels import label_facts
from torchclinic.clinic.preflight.data.likeness import ROWS
from torchclinic.clinic.preflight.data.parts import part_facts
from torchclinic.clinic.preflight.data.rows import row_facts
from torchclinic.clinic.preflight.initialisation.start import start_facts
from torchclinic.clinic.preflight.one_batch import one_batch_facts
from torchclinic.clinic.preflight.recipe import recipe_facts
from torchclinic.clinic.preflight.sampling import affordable_rows, sample_of
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case, StartFacts
from torchclinic.core.recipe import Recipe
from torchclinic.training import preserved


def gather(recipe: Recipe, seed: int = 0) -> tuple[Case, tuple[str, ...]]:
    """Facts about the recipe, its first batch, and whether it can overfit one.

    Args:
        recipe: The recipe.
        seed: Of the models that are built.

    Returns:
        The case (without history, trace and LR range) and notes on what could not be had.

    Raises:
        ModelError, RecipeError, DataError: When not even model, optimizer and a batch can be built.
    """
    notes: list[str] = []
    with preserved():
        sample = sample_of(recipe, recipe.splits.train)
    facts = recipe_facts(recipe, seed, sample=sample)
    batch = batch_facts(recipe, seed, sample=sample)
    with preserved():
        many = sample_of(recipe, recipe.splits.train, affordable_rows(sample, ROWS))
    batch = dataclasses.replace(
        batch,
        labels=label_facts(recipe, batch.targets, many),
        parts=_looked(lambda: part_facts(recipe, batch.targets, many), "parts", notes),
        rows=_looked(lambda: row_facts(recipe, batch.targets, many), "rows", notes),
        start=_signal(recipe, seed, sample),
    )
    if batch.initial_loss is None:
        notes.append("no forward and backward pass could be made before the training")
    try:
        one_batch = one_batch_facts(recipe, seed, sample=sample)
    except TorchclinicError as error:
        one_batch = None
        notes.append(f"the one-batch test could not be made: {error}")
    else:
        if one_batch is None:
            notes.append("the one-batch test had no fair chance and says nothing")
    return Case(recipe=facts, batch=batch, one_batch=one_batch), tuple(notes)


def _signal(recipe: Recipe, seed: int, sample: Any) -> StartFacts | None:
    """What one more pass shows; where none can be made, the first one has said why."""
    with preserved():
        try:
            return start_facts(recipe, seed, sample)
        except TorchclinicError:
            return None


T = TypeVar("T")


def _looked(look: Callable[[], T | None], what: str, notes: list[str]) -> T | None:
    """What a look at the data finds; None, and a note, where the data does not suit it."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - a look at strange data must not end a diagnosis
        notes.append(f"the {what} of the data could not be compared: {error}")
        return None
