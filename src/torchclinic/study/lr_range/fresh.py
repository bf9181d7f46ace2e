"""A fresh model at each learning rate, trained for an epoch: one study over the rates."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from torchclinic.core import Recipe, Splits, TrainingError
from torchclinic.core.recipe import OptimizerFactory
from torchclinic.data import batches
from torchclinic.data.structure import rows_of
from torchclinic.engine import ArmRun, EngineName, run_arms
from torchclinic.study.lr_range.sweep import Dial, Sweep
from torchclinic.training import (
    build_model,
    build_optimizer,
    check_trainable,
    evaluate,
    evaluation_batch_size,
)

JUDGED_ROWS = 1024  # training rows on which the loss after an epoch is measured


class AtRate:
    """An optimizer factory whose optimizers start at a given rate.

    Args:
        factory: The user's; of parameters or of the model.
        rate: Of the first parameter group; the others keep their ratio to it.

    >>> from functools import partial
    >>> make = AtRate(partial(torch.optim.SGD, lr=0.1), 0.5)
    >>> make([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"]
    0.5
    """

    def __init__(self, factory: OptimizerFactory, rate: float) -> None:
        self._factory, self._rate = factory, rate
        try:  # a first argument called model is what tells the training to hand the model over
            self.__signature__ = inspect.signature(factory)
        except (TypeError, ValueError):
            self.__signature__ = inspect.signature(list)

    def __call__(self, argument: Any) -> Optimizer:
        """Build the optimizer and set its rates."""
        optimizer = self._factory(argument)
        if isinstance(optimizer, Optimizer):
            Dial(optimizer).turn(self._rate)
        return optimizer


def fresh_sweeps(
    recipe: Recipe,
    seeds: Sequence[int],
    rates: Sequence[float],
    *,
    updates: int | None = None,
    max_seconds: float | None = None,
    engine: EngineName = "stacked",
) -> list[Sweep]:
    """Train a fresh model at each rate for one epoch, for each seed, as one study.

    Each seed has the same model and data order at all rates. The loss is that of a fixed sample of
    the training rows in evaluation mode, after the epoch.

    Args:
        recipe: What is trained; schedule, early stopping and averaging are left out.
        seeds: Of the models.
        rates: Rising.
        updates: At each rate, None for one epoch.
        max_seconds: No run is begun after that; seeds that are not complete are left out.
        engine: What executes the runs.

    Returns:
        One sweep a seed, at least one.

    Raises:
        TrainingError: If no run at all came to an end, with the reason of the first.
        RecipeError, ModelError, LossError, DataError: As the training would.
    """
    started = time.perf_counter()
    rows = batches(recipe.splits.train, batch_size=recipe.batch_size).sample(JUDGED_ROWS)
    starts = {seed: _start(recipe, seed, rows) for seed in seeds}
    arms = {f"{rate:.6g}": _at(recipe, rate, rows, updates) for rate in rates}
    found = run_arms(arms, seeds, engine=engine, deadline=max_seconds)
    whole = [seed for i, seed in enumerate(seeds) if not any(r[i].skipped for r in found.values())]
    spent = (time.perf_counter() - started) / max(1, len(whole))
    sweeps = [Sweep(_losses(found, seed), (), *starts[seed], spent) for seed in whole]
    if not sweeps or all(run.run is None for runs in found.values() for run in runs):
        reasons = [run.error for runs in found.values() for run in runs if run.error]
        raise TrainingError(
            f"no run of the range test came to its end: {next(iter(reasons), 'none was begun')}",
            hint="more time, or see what the recipe does alone: torchclinic.train(recipe)",
        )
    return sweeps


def _at(recipe: Recipe, rate: float, rows: Any, updates: int | None) -> Recipe:
    return recipe.replace(
        data=Splits(train=recipe.splits.train, validation=_as_data(rows), name=recipe.splits.name),
        optimizer=AtRate(recipe.optimizer, rate),
        schedule=None,
        epochs=None if updates else 1,
        steps=updates,
        metric=None,
        early_stopping=None,
        keep_best=False,
        averaging=None,
        name=f"{recipe.name} at {rate:.3g}",
    )


def _as_data(rows: Any) -> Any:
    """A batch as a data source: tensors in memory, or one batch as it is."""
    parts = list(rows.values()) if isinstance(rows, Mapping) else rows
    count = rows_of(rows)
    plain = isinstance(parts, tuple | list) and all(
        isinstance(part, torch.Tensor) and part.dim() > 0 and len(part) == count for part in parts
    )
    return rows if plain and isinstance(rows, tuple | Mapping) else [rows]


def _start(recipe: Recipe, seed: int, rows: Any) -> tuple[float, float]:
    """Loss of the untrained model on the sample, and the optimizer's own rate."""
    model = build_model(recipe, seed)
    check_trainable(model)
    judged = batches(_as_data(rows), batch_size=evaluation_batch_size(recipe))
    loss = evaluate(recipe, model, judged).loss
    return loss, Dial(build_optimizer(recipe, model)).configured


def _losses(found: Mapping[str, tuple[ArmRun, ...]], seed: int) -> tuple[float, ...]:
    runs = (next(run for run in runs if run.seed == seed) for runs in found.values())
    return tuple(_loss(run) for run in runs)


def _loss(run: ArmRun) -> float:
    """Loss after the epoch; infinite where the run blew up."""
    if run.run is None or run.run.history.ending == "diverged":
        return math.inf
    ended = run.run.history.last("validation")
    return math.inf if ended is None or math.isnan(ended.loss) else ended.loss
