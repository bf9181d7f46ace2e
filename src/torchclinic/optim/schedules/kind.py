"""ScheduleKind: a schedule with what a reader wants to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torchclinic.core import Registry, Schedule


@dataclass(frozen=True)
class ScheduleKind:
    """A way for the learning rate to change over a training.

    Attributes:
        name: Kebab-case, unique.
        title: For pictures.
        formula: With lr the optimizer's own rate, t the step from 0 and T the number of steps.
        make: Keyword options -> Schedule; needs none.
        source: Paper.
    """

    name: str
    title: str
    formula: str
    make: Callable[..., Schedule]
    source: str


SCHEDULES: Registry[ScheduleKind] = Registry("schedule", "torchclinic.schedules")
