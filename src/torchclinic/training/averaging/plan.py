"""When a recipe's weights enter their average."""

from __future__ import annotations

from torch import nn

from torchclinic.core import Averaging, Recipe, RecipeError
from torchclinic.training.averaging.weight_averages import WeightAverages
from torchclinic.training.plan import Length, planned_steps

SWA_START = 0.75  # of the training: Izmailov et al. 2018 average over its last quarter


def build_averages(recipe: Recipe, model: nn.Module, full: Length) -> WeightAverages | None:
    """The averages of a run, None for a recipe without.

    Args:
        recipe: With `averaging` or not.
        model: As built.
        full: Length of the whole training.

    Raises:
        RecipeError: If the average begins at a share of a training of unknown length, or no
            weights would ever enter it.

    >>> from torchclinic.core import Averaging
    >>> recipe = Recipe(model=list, data=[], loss=min, optimizer=list, steps=100,
    ...                 averaging=Averaging("swa", every=10))
    >>> averages = build_averages(recipe, nn.Linear(1, 1), Length(20, 100, 5))
    >>> for _ in range(100):
    ...     averages.update()
    >>> averages.count
    3
    """
    if recipe.averaging is None:
        return None
    first, every = entering(recipe.averaging, full)
    return WeightAverages(model, recipe.averaging, first=first, every=every)


def first_weights(recipe: Recipe) -> float | None:
    r"""Share that the first weights of a moving average have in it at the end.

    $\beta^{n - 1}$ after $n$ entries; None without a moving average, or where the training's
    length is not known.

    >>> from torchclinic.core import Averaging
    >>> recipe = Recipe(model=list, data=[], loss=min, optimizer=list, steps=300,
    ...                 averaging=Averaging("ema", decay=0.9999))
    >>> round(first_weights(recipe), 3)
    0.971
    """
    averaging, planned = recipe.averaging, planned_steps(recipe)
    if averaging is None or averaging.kind != "ema" or planned is None:
        return None
    first, every = entering(averaging, Length(None, planned, recipe.epochs))
    return averaging.decay ** (planned // every - first // every - 1)


def entering(averaging: Averaging, full: Length) -> tuple[int, int]:
    """Updates that are left out at the beginning, and updates from one entry to the next.

    Raises:
        RecipeError: As `build_averages`.

    >>> from torchclinic.core import Averaging
    >>> entering(Averaging("ema", start=0.5), Length(20, 100, 5))
    (50, 1)
    """
    ema = averaging.kind == "ema"
    start = (0.0 if ema else SWA_START) if averaging.start is None else averaging.start
    if start and full.steps is None:
        raise RecipeError(
            f"averaging begins after {start:.0%} of a training of unknown length",
            hint="give steps instead of epochs, or start=0.0",
        )
    first = round(start * (full.steps or 0))
    every = averaging.every or (1 if ema else full.per_epoch or 1)
    if full.steps is not None and averaging.every is None:
        every = min(every, full.steps)  # less than one epoch: its end
    if full.steps is not None and full.steps // every * every <= first:
        raise RecipeError(
            f"averaging after each {every} of {full.steps} updates, from update {first + 1} on, "
            "never meets any weights",
            hint="a smaller every or an earlier start",
        )
    return first, every
