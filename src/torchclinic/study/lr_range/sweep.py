"""One sweep: a model trained one batch at each of ever higher learning rates."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from torchclinic.core import DataError, Recipe, RecipeError, TorchclinicError
from torchclinic.data import Batches, batches
from torchclinic.data.structure import rows_of
from torchclinic.study.lr_range.limits import STOP_FACTOR
from torchclinic.training import (
    build_model,
    build_optimizer,
    check_trainable,
    seeded,
    stream_seed,
)
from torchclinic.training.objective import Objective
from torchclinic.training.update import Update


@dataclass(frozen=True)
class Sweep:
    """What one sweep measured.

    Attributes:
        losses: Loss on a fresh batch after the update at each rate, until the sweep stopped.
        untrained: Loss of the untrained model on the same batches; empty if it cannot be had.
        start: Loss of the untrained model on the first batch.
        configured: The optimizer's own learning rate.
        seconds: Wall time.
    """

    losses: tuple[float, ...]
    untrained: tuple[float, ...]
    start: float
    configured: float
    seconds: float


def sweep(recipe: Recipe, seed: int, rates: Sequence[float]) -> Sweep:
    """Train a fresh model, one update at each rate, and measure the loss on the next batch.

    Model and data order are those of `train(recipe, seed)`, with the recipe's penalties, clipping,
    accumulation and autocast. Only the rates differ; of several parameter groups each keeps its
    ratio to the first. The sweep stops at a loss that is not finite or has passed 5 times the
    start.

    Args:
        recipe: What is trained.
        seed: Of model, data order and noise.
        rates: Rising.

    Raises:
        RecipeError: When the optimizer has no learning rate.
        ModelError, LossError, DataError: As the training would.
    """
    started = time.perf_counter()
    with seeded(stream_seed(seed, "training")):
        model = build_model(recipe, seed)
        check_trainable(model)
        model.train()
        optimizer = build_optimizer(recipe, model)
        groups = update_groups(recipe, seed)
        first = next(groups)
        start = group_loss(recipe, model, first)  # also gives lazy layers their shapes
        still = _copied(model)
        control = None if still is None else partial(group_loss, recipe, still)
        dial, update = Dial(optimizer), Update(recipe, model, optimizer)
        losses, untrained = climb(update, dial, chain([first], groups), rates, start, control)
    seconds = time.perf_counter() - started
    return Sweep(losses, untrained, start, dial.configured, seconds)


def climb(
    update: Callable[[Sequence[Any]], Tensor],
    dial: Dial,
    groups: Iterator[list[Any]],
    rates: Sequence[float],
    start: float,
    control: Callable[[list[Any]], float] | None,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One update at each rate, and the loss on the batches of the next.

    Args:
        update: Makes an update from batches and returns their loss before it.
        dial: Sets the rate.
        groups: Batches of each update.
        rates: Rising.
        start: Loss of the untrained model; the climb ends at a multiple of it.
        control: Loss of the untrained model on some batches; None if it cannot be had.

    Returns:
        Loss after the update at each rate, and the untrained model's on the same batches.
    """
    losses: list[float] = []
    untrained: list[float] = []
    dial.turn(rates[0])
    update(next(groups))
    for rate in (*rates[1:], rates[-1]):
        group = next(groups)
        dial.turn(rate)
        losses.append(float(update(group)))
        if control is not None:
            untrained.append(control(group))
        if not losses[-1] <= stop_level(start):  # also NaN
            break
    return tuple(losses), tuple(untrained)


def stop_level(start: float) -> float:
    """The loss beyond which a sweep has blown up.

    >>> stop_level(2.0)
    10.0
    """
    return start + (STOP_FACTOR - 1) * (abs(start) or 1.0)


class Dial:
    """Sets the learning rate of an optimizer, keeping the ratios between its groups.

    Args:
        optimizer: Whose rates are set.

    Attributes:
        configured: The rate that the first group came with.

    Raises:
        RecipeError: When a group has no learning rate.

    >>> parameters = [nn.Parameter(torch.zeros(1)) for _ in "ab"]
    >>> sgd = torch.optim.SGD([{"params": parameters[:1]},
    ...                        {"params": parameters[1:], "lr": 0.5}], lr=0.1)
    >>> Dial(sgd).turn(1.0)
    >>> [group["lr"] for group in sgd.param_groups]
    [1.0, 5.0]
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._groups = optimizer.param_groups
        missing = [group for group in self._groups if "lr" not in group]
        if missing:
            raise RecipeError(
                f"{type(optimizer).__name__} has a parameter group without a learning rate",
                hint="a range test needs an optimizer whose groups have 'lr'",
            )
        own = [float(group["lr"]) for group in self._groups]
        self.configured = own[0]
        reference = own[0] or max(own) or 1.0
        self._ratios = [rate / reference if any(own) else 1.0 for rate in own]

    def turn(self, rate: float) -> None:
        """Set the first group to `rate` and the others in proportion."""
        for group, ratio in zip(self._groups, self._ratios, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * ratio)
            else:
                group["lr"] = rate * ratio


def update_groups(recipe: Recipe, seed: int, epochs: int | None = None) -> Iterator[list[Any]]:
    """The batches of one update after the other, in the order of training; None for no end."""
    train = recipe.splits.train
    data = batches(train, batch_size=recipe.batch_size, shuffle=recipe.shuffle)
    generator = torch.Generator().manual_seed(stream_seed(seed, "data order"))
    for _ in count() if epochs is None else range(epochs):
        epoch = _epoch(data, generator)
        while group := list(islice(epoch, recipe.accumulate)):
            yield group


def _epoch(data: Batches, generator: torch.Generator) -> Iterator[Any]:
    empty = True
    try:
        for batch in data.epoch(generator):
            empty = False
            yield batch
    except TorchclinicError:
        raise
    except Exception as error:
        raise DataError(
            f"the training data raised {type(error).__name__}: {error}",
            hint="iterate the data alone to see it happen",
        ) from error
    if empty:
        raise DataError(
            "the training data delivered no batch",
            hint="it must have rows, and start anew each time it is iterated",
        )


def group_loss(recipe: Recipe, model: nn.Module, group: Sequence[Any]) -> float:
    """Loss of the batches of one update, weighted by their rows, without a step."""
    objective = Objective(recipe, model)
    rows = [rows_of(batch) or 1 for batch in group]
    with torch.set_grad_enabled(recipe.step is not None):  # a custom step may differentiate
        losses = [float(objective(batch)[0].detach()) for batch in group]
    total = sum(loss * weight for loss, weight in zip(losses, rows, strict=True))
    return total / sum(rows)


def _copied(model: nn.Module) -> nn.Module | None:
    try:
        return copy.deepcopy(model)
    except Exception:  # noqa: BLE001 - a user's module may refuse in any way; the test is noisier
        return None
