"""The learning rates that a schedule gives, without a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

from torchclinic.core import Schedule, UsageError

Factory = Callable[[Any, int], Any]


def group_rates(
    factory: Factory, steps: int, lrs: Sequence[float], values: Sequence[float] | None = None
) -> list[tuple[float, ...]]:
    """Rates of each group at each step, from a scheduler on an optimizer without gradients.

    Args:
        factory: `factory(optimizer, steps)`.
        steps: How many updates.
        lrs: Learning rate of each parameter group.
        values: What `ReduceLROnPlateau` looks at after each step.

    Raises:
        UsageError: For a plateau without `values`, or with fewer than `steps - 1`.
    """
    groups = [{"params": [torch.zeros(())], "lr": lr} for lr in lrs]
    optimizer = SGD(groups, lr=1.0, momentum=0.9)
    scheduler = factory(optimizer, steps)
    plateau = isinstance(scheduler, ReduceLROnPlateau)
    if plateau and (values is None or len(values) < steps - 1):
        raise UsageError(
            f"a plateau over {steps} steps was given {0 if values is None else len(values)} values",
            hint="values=[...]: what the schedule is to look at after each epoch",
        )
    found: list[tuple[float, ...]] = []
    for step in range(steps):
        found.append(tuple(float(group["lr"]) for group in optimizer.param_groups))
        if step == steps - 1:
            break
        optimizer.step()
        scheduler.step(*((values[step],) if plateau and values is not None else ()))
    return found


def preview(
    schedule: Schedule | Callable[[Any], Any],
    steps: int,
    lr: float = 1.0,
    *,
    steps_per_epoch: int = 1,
    values: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """The learning rate of each step, without training.

    Args:
        schedule: A Schedule, or a bare `factory(optimizer)`, which steps once an epoch.
        steps: Updates of the training.
        lr: Learning rate that the optimizer is built with.
        steps_per_epoch: Updates in an epoch, for a schedule that steps once an epoch.
        values: For `ReduceLROnPlateau`: the validation loss (or metric) after each epoch.

    Returns:
        `steps` rates, of the first parameter group.

    Raises:
        UsageError: For steps below 1, a rate that is none, a schedule that is longer than the
            training, or a plateau without values.

    >>> from torchclinic.optim import warm_up
    >>> [round(rate, 3) for rate in preview(warm_up(4, start=0.2), steps=6, lr=0.5)]
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    """
    for name, number in (("steps", steps), ("steps_per_epoch", steps_per_epoch)):
        if isinstance(number, bool) or number < 1:
            raise UsageError(f"{name} is {number!r}", hint="a whole number of at least 1")
    if not 0 <= lr < float("inf"):
        raise UsageError(f"lr is {lr}", hint="a finite number of at least 0")
    factory: Factory
    if isinstance(schedule, Schedule):
        factory, stretch = schedule.factory, 1 if schedule.per == "step" else steps_per_epoch
    else:
        bare: Any = schedule
        factory, stretch = (lambda optimizer, _: bare(optimizer)), steps_per_epoch
    found = group_rates(factory, -(-steps // stretch), [lr], values)
    return tuple(found[step // stretch][0] for step in range(steps))
