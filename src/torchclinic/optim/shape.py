"""Shape: a learning-rate schedule as a formula, the rate at a step over the optimizer's own."""

from __future__ import annotations

import abc
from functools import partial

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from torchclinic.core import UsageError


class Shape(abc.ABC):
    """A schedule that is a formula of the step and of the length of the training.

    An instance is a `factory(optimizer, total_steps)` as `torchclinic.core.Schedule` wants it.
    Members are frozen dataclasses: they can be pickled, and so can their schedulers' states.
    """

    @abc.abstractmethod
    def factor(self, step: int, total_steps: int) -> float:
        """Share of the optimizer's learning rate at `step`, counted from 0."""

    def check(self, total_steps: int) -> None:  # noqa: B027 - most shapes fit any length
        """Raise UsageError if the shape does not fit into a training of this length."""

    def __call__(self, optimizer: Optimizer, total_steps: int) -> LambdaLR:
        """The scheduler; step it after each optimizer step."""
        self.check(total_steps)
        return LambdaLR(optimizer, partial(self.factor, total_steps=total_steps))


def steps_of(length: float, total_steps: int) -> int:
    """A length in steps: a whole number means steps, any other a share of all steps.

    >>> steps_of(30, 1000), steps_of(0.05, 1000)
    (30, 50)
    """
    return length if isinstance(length, int) else round(length * total_steps)


def check_length(name: str, length: float) -> None:
    """Raise UsageError unless `length` is whole steps of at least 0 or a share from 0 to 1."""
    is_steps = isinstance(length, int) and not isinstance(length, bool) and length >= 0
    if not is_steps and not (isinstance(length, float) and 0 <= length <= 1):
        raise UsageError(
            f"{name} is {length!r}",
            hint="whole steps (an int of at least 0) or a share of all steps (a float, 0 to 1)",
        )


def check_fits(name: str, steps: int, total_steps: int) -> None:
    """Raise UsageError if a part of a schedule is longer than the whole training."""
    if steps > total_steps:
        raise UsageError(
            f"the {name} takes {steps} steps, the training has {total_steps}",
            hint=f"train longer, or give the {name} as a share of all steps",
        )
