"""A recipe's learning-rate schedule, stepped when it is due."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from torchclinic.core import Recipe, RecipeError, Schedule, TorchclinicError


class RunningSchedule:
    """The scheduler of one run.

    `ReduceLROnPlateau` is given the validation loss (with `mode="max"` the metric) after each
    epoch; where there is no validation part, the epoch's mean training loss.

    Args:
        scheduler: The torch scheduler.
        per: "step" or "epoch".
    """

    def __init__(self, scheduler: Any, per: str) -> None:
        self.scheduler = scheduler
        self.per_step = per == "step"
        self.plateau = isinstance(scheduler, ReduceLROnPlateau)

    @property
    def wants_metric(self) -> bool:
        """Whether a plateau of the metric, not of the loss, is looked for."""
        return self.plateau and self.scheduler.mode == "max"

    def after_epoch(self, value: float) -> None:
        """Step at the end of an epoch; `value` is what a plateau is looked for in."""
        if self.plateau:
            self.scheduler.step(value)
        elif not self.per_step:
            self.scheduler.step()


def build_schedule(
    recipe: Recipe, optimizer: Optimizer, *, steps: int | None, epochs: int | None
) -> RunningSchedule | None:
    """The recipe's schedule for an optimizer; None without one.

    Args:
        recipe: A bare `factory(optimizer)` is stepped once an epoch.
        optimizer: Whose rates it sets.
        steps: Updates of the full training, None if unknown.
        epochs: Epochs of the full training, None if unknown.

    Raises:
        RecipeError: If the factory raises or returns no scheduler, or needs a length that is
            unknown.
    """
    if recipe.schedule is None:
        return None
    schedule = recipe.schedule
    try:
        if isinstance(schedule, Schedule):
            per = schedule.per
            scheduler = schedule.factory(optimizer, _length(recipe, schedule, steps, epochs))
        else:
            per, scheduler = "epoch", schedule(optimizer)
    except TorchclinicError:
        raise
    except Exception as error:
        raise RecipeError(
            f"the schedule raised {type(error).__name__}: {error}",
            hint="Schedule(factory(optimizer, total_steps)), or a bare factory(optimizer)",
        ) from error
    return _checked(RunningSchedule(scheduler, per), recipe)


def _length(recipe: Recipe, schedule: Schedule, steps: int | None, epochs: int | None) -> int:
    length = steps if schedule.per == "step" else epochs
    if length is None:
        raise RecipeError(
            f"the schedule {schedule.name!r} needs the number of {schedule.per}s, but "
            f"{type(recipe.splits.train).__name__} does not say how many batches it has",
            hint="give data with a length, or steps= and per='step'",
        )
    return length


def _checked(running: RunningSchedule, recipe: Recipe) -> RunningSchedule:
    scheduler = running.scheduler
    if not callable(getattr(scheduler, "step", None)):
        raise RecipeError(
            f"the schedule's factory returned {scheduler!r:.60} of type "
            f"{type(scheduler).__name__}, not a learning-rate scheduler",
            hint="return one of torch.optim.lr_scheduler",
        )
    if running.plateau and running.per_step:
        raise RecipeError(
            "ReduceLROnPlateau with per='step' has nothing to look at",
            hint="Schedule(..., per='epoch'): it gets the validation loss after each epoch",
        )
    if running.wants_metric and recipe.metric is None:
        raise RecipeError(
            "ReduceLROnPlateau with mode='max' needs a metric, and the recipe has none",
            hint="give metric=, or mode='min' for the loss",
        )
    return running
