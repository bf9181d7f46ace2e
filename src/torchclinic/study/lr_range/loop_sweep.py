"""Sweeps over a loop of somebody's own, which is put back after each."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from torchclinic.core import Recipe
from torchclinic.study.lr_range.snapshot import Snapshot
from torchclinic.study.lr_range.sweep import (
    Dial,
    Sweep,
    climb,
    group_loss,
    stop_level,
    update_groups,
)
from torchclinic.study.lr_range.training_loop import TrainingLoop
from torchclinic.training import check_trainable, seeded, stream_seed
from torchclinic.training.update import Update

END_SHARE = 0.2  # of the updates at a rate: their mean loss is the loss at its end


def sweep_loop(loop: TrainingLoop, seed: int, rates: Sequence[float]) -> Sweep:
    """As `sweep`, from the weights that the loop's model has now; it is put back afterwards.

    Args:
        loop: The live parts.
        seed: Of data order and noise.
        rates: Rising.
    """
    started = time.perf_counter()
    with _borrowed(loop, seed) as (recipe, snapshot):
        groups = update_groups(recipe, seed)
        first = next(groups)
        with snapshot.as_it_was():
            start = group_loss(recipe, loop.model, first)

        def control(group: list[Any]) -> float:
            with snapshot.as_it_was():
                return group_loss(recipe, loop.model, group)

        dial = Dial(loop.optimizer)
        losses, untrained = climb(
            _update(loop, recipe), dial, chain([first], groups), rates, start, control
        )
    seconds = time.perf_counter() - started
    return Sweep(losses, untrained, start, dial.configured, seconds)


def fresh_loop(loop: TrainingLoop, seed: int, rates: Sequence[float], updates: int | None) -> Sweep:
    """An epoch at each rate, each from the weights that the loop's model has now.

    Args:
        loop: The live parts; they are put back afterwards.
        seed: Of data order and noise, the same at each rate.
        rates: Rising.
        updates: At each rate; None for one epoch.

    Returns:
        The mean loss of the last fifth of the updates at each rate; infinite where it blew up.
    """
    started = time.perf_counter()
    losses: list[float] = []
    with _borrowed(loop, seed) as (recipe, snapshot):
        with snapshot.as_it_was():
            start = group_loss(recipe, loop.model, next(update_groups(recipe, seed)))
        configured = Dial(loop.optimizer).configured
    for rate in rates:
        with _borrowed(loop, seed) as (recipe, _):
            Dial(loop.optimizer).turn(rate)
            losses.append(_epoch(loop, recipe, seed, updates, stop_level(start)))
    return Sweep(tuple(losses), (), start, configured, time.perf_counter() - started)


def _epoch(
    loop: TrainingLoop, recipe: Recipe, seed: int, updates: int | None, ceiling: float
) -> float:
    update = _update(loop, recipe)
    groups = update_groups(recipe, seed, epochs=None if updates else 1)
    seen: list[float] = []
    for group in islice(groups, updates):
        seen.append(float(update(group)))
        if not seen[-1] <= ceiling:  # also NaN
            return math.inf
    ending = seen[-max(1, round(END_SHARE * len(seen))) :]
    return sum(ending) / len(ending)


@contextmanager
def _borrowed(loop: TrainingLoop, seed: int) -> Iterator[tuple[Recipe, Snapshot]]:
    """The loop in training mode under a seed; everything is as before on exit."""
    recipe = loop.as_recipe()
    check_trainable(loop.model)
    with seeded(stream_seed(seed, "training")), Snapshot(loop.model, loop.optimizer) as snapshot:
        if not loop.model.training:
            loop.model.train()
        yield recipe, snapshot


def _update(loop: TrainingLoop, recipe: Recipe) -> Update:
    update = Update(recipe, loop.model, loop.optimizer)
    before_step = loop.before_step
    if before_step is not None:
        update.before_step = lambda _: before_step()
    return update
