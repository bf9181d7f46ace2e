"""How long a run is, and when it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torchclinic.core import Recipe
from torchclinic.data import batches

MOST_EVALUATIONS = 20  # points that show the shape of a curve
FEWEST_EVALUATIONS = 5  # what a run of one or two epochs is cut into, if that is cheap
EVALUATED_ROWS = 0.5  # evaluated rows for each trained row that extra evaluations may cost


@dataclass(frozen=True)
class Length:
    """Updates and epochs of a training; None where unknown.

    Attributes:
        per_epoch: Updates in one pass over the data.
        steps: Updates of the full training.
        epochs: Epochs of the full training, the last one perhaps in part.
    """

    per_epoch: int | None
    steps: int | None
    epochs: int | None


def length(recipe: Recipe, train: Any) -> Length:
    """The length of a recipe's training on `train` batches.

    >>> recipe = Recipe(model=list, data=[], loss=min, optimizer=list, epochs=2, accumulate=4)
    >>> length(recipe, range(10))
    Length(per_epoch=3, steps=6, epochs=2)
    """
    per_epoch = None
    count = count_batches(train)
    if count is not None:
        per_epoch = -(-count // recipe.accumulate)
    if recipe.steps is None:
        steps = None if per_epoch is None else per_epoch * (recipe.epochs or 0)
        return Length(per_epoch, steps, recipe.epochs)
    epochs = None if not per_epoch else -(-recipe.steps // per_epoch)
    return Length(per_epoch, recipe.steps, epochs)


def planned_steps(recipe: Recipe) -> int | None:
    """Updates of the full training; None where the data does not say how many batches it has.

    Raises:
        DataError: If the data cannot be batched.

    >>> import torch
    >>> data = (torch.zeros(70, 2), torch.zeros(70))
    >>> planned_steps(Recipe(model=list, data=data, loss=min, optimizer=list, epochs=3))
    9
    """
    if recipe.steps is not None:
        return recipe.steps
    train = batches(recipe.splits.train, batch_size=recipe.batch_size, shuffle=recipe.shuffle)
    return length(recipe, train).steps


def count_batches(train: Any) -> int | None:
    """Batches in an epoch; None where unknown."""
    try:
        return len(train)
    except TypeError:
        return None


@dataclass(frozen=True)
class Cadence:
    """When a run is evaluated; at its end it always is.

    Attributes:
        epochs: After each so many epochs; None for never.
        steps: After each so many updates; None for never.
    """

    epochs: int | None
    steps: int | None

    def after_epoch(self, epochs: int) -> bool:
        """Whether `epochs` finished epochs are followed by an evaluation."""
        return self.epochs is not None and epochs % self.epochs == 0

    def after_step(self, steps: int) -> bool:
        """Whether `steps` updates are followed by an evaluation."""
        return self.steps is not None and steps % self.steps == 0


def cadence(
    recipe: Recipe, full: Length, *, limit: int | None, rows_a_step: int | None, rows: int | None
) -> Cadence:
    """When to evaluate.

    Where a choice hangs on the evaluations (early stopping, keeping the best) the recipe alone
    decides: each epoch of a training in epochs, 20 times in a training in steps.
    Elsewhere there are about 20 points at most, and as few as keep the evaluated rows below half
    of the trained ones; a run of less than 5 epochs is also looked at inside them, if that is as
    cheap.

    Args:
        recipe: In epochs or steps.
        full: Its length.
        limit: Updates that this run makes, None if unknown.
        rows_a_step: Rows of an update, None if unknown.
        rows: Rows of an evaluation, None if unknown.
    """
    if recipe.early_stopping is not None or recipe.keep_best:
        if recipe.steps is None:
            return Cadence(epochs=1, steps=None)
        return Cadence(epochs=None, steps=_spacing(recipe.steps, MOST_EVALUATIONS))
    affordable = MOST_EVALUATIONS
    if limit is not None and rows_a_step and rows:
        affordable = min(affordable, int(EVALUATED_ROWS * limit * rows_a_step / rows))
    if recipe.steps is not None:
        assert limit is not None
        return Cadence(epochs=None, steps=_spacing(limit, affordable))
    epochs = _spacing(recipe.epochs or 1, MOST_EVALUATIONS)
    if limit is None or full.per_epoch is None or limit >= FEWEST_EVALUATIONS * full.per_epoch:
        return Cadence(epochs=epochs, steps=None)
    inside = _spacing(limit, min(affordable, FEWEST_EVALUATIONS))
    return Cadence(epochs=epochs, steps=inside)


def _spacing(length: int, points: int) -> int | None:
    """Distance of at most `points` points; None for no point."""
    return max(1, -(-length // points)) if points > 0 else None
