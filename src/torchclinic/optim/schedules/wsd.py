"""Warm-up, stable, decay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind
from torchclinic.optim.shape import Shape, check_fits, check_length, steps_of
from torchclinic.optim.warm_up import START

Cooldown = Literal["linear", "cosine", "sqrt"]


@dataclass(frozen=True)
class WarmUpStableDecay(Shape):
    r"""The rate rises linearly, stays, and falls at the end.

    With p the share of the decay that is over, the factor falls from 1 to the floor f as
    $f + (1 - f)\,d(p)$: linear $1 - p$, cosine $(1 + \cos \pi p) / 2$, sqrt $1 - \sqrt p$.

    Args:
        warm_up: Whole steps (an int) or a share of all steps (a float).
        decay: The same.
        cooldown: "linear", "cosine" or "sqrt".
        start: Factor at the first step, above 0.
        floor: Factor at the end, 0 to 1.

    Raises:
        UsageError: On values out of range; when called, if the training is shorter than both.

    >>> shape = WarmUpStableDecay(warm_up=10, decay=20)
    >>> [round(shape.factor(t, 100), 2) for t in (0, 5, 10, 79, 80, 90, 100)]
    [0.01, 0.51, 1.0, 1.0, 1.0, 0.5, 0.0]
    """

    warm_up: float = 0.05
    decay: float = 0.2
    cooldown: Cooldown = "linear"
    start: float = START
    floor: float = 0.0

    def __post_init__(self) -> None:
        check_length("the length of the warm-up", self.warm_up)
        check_length("the length of the decay", self.decay)
        if self.cooldown not in get_args(Cooldown):
            known = ", ".join(get_args(Cooldown))
            raise UsageError(f"there is no cooldown {self.cooldown!r}", hint=f"known: {known}")
        if not 0 < self.start <= 1 or not 0 <= self.floor <= 1:
            raise UsageError(f"{self!r} is no schedule", hint="0 < start <= 1, 0 <= floor <= 1")

    def check(self, total_steps: int) -> None:
        """Refuse a training that has no room for the warm-up and the decay."""
        lengths = steps_of(self.warm_up, total_steps) + steps_of(self.decay, total_steps)
        check_fits("warm-up with the decay", lengths, total_steps)

    def factor(self, step: int, total_steps: int) -> float:
        """Share of the optimizer's learning rate at `step`, counted from 0."""
        rise, fall = (steps_of(length, total_steps) for length in (self.warm_up, self.decay))
        if step < rise:
            return self.start + (1 - self.start) * step / rise
        done = (step - (total_steps - fall)) / max(fall, 1)
        return self.floor + (1 - self.floor) * self._left(min(max(done, 0.0), 1.0))

    def _left(self, done: float) -> float:
        if self.cooldown == "sqrt":
            return 1 - math.sqrt(done)
        return 1 - done if self.cooldown == "linear" else (1 + math.cos(math.pi * done)) / 2


def wsd(
    *,
    warm_up: float = 0.05,
    decay: float = 0.2,
    cooldown: Cooldown = "linear",
    start: float = START,
    floor: float = 0.0,
) -> Schedule:
    """Warm-up, stable, decay as a Schedule: the trunk can be trained on, the end is short.

    Args:
        warm_up: Whole steps (an int) or a share of all steps (a float).
        decay: The same.
        cooldown: How it falls: "linear", "cosine" or "sqrt".
        start: Factor at the first step.
        floor: Factor at the end.

    Raises:
        UsageError: On values out of range; in a training that has no room for both.

    Source: Hu et al. 2024, MiniCPM, section 4, arXiv 2404.06395; Haegele et al. 2024, arXiv
    2405.18392, for the share of 0.2 and the sqrt.

    >>> wsd(warm_up=0, decay=2).preview(5, lr=0.4)
    (0.4, 0.4, 0.4, 0.4, 0.2)
    """
    shape = WarmUpStableDecay(warm_up, decay, cooldown, start, floor)
    return Schedule(shape, per="step", name="warm-up, stable, decay")


SCHEDULES.add(
    "wsd",
    ScheduleKind(
        "wsd",
        "warm-up, stable, decay",
        r"lr \cdot \{a + (1 - a) t / w;\ 1;\ 1 - (t - T + d) / d\}",
        wsd,
        "Hu et al. 2024, arXiv 2404.06395",
    ),
)
