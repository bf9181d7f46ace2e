"""Schedule: how the learning rate changes along a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torchclinic.core.extensions import call


@dataclass(frozen=True)
class Schedule:
    """A learning-rate schedule.

    Attributes:
        factory: `factory(optimizer, total_steps) -> torch LR scheduler`. With `per="epoch"`,
            `total_steps` counts epochs.
        per: Whether the scheduler steps after each optimizer step or after each epoch.
        name: Printed in reports.
    """

    factory: Callable[[Any, int], Any]
    per: Literal["step", "epoch"] = "step"
    name: str = "schedule"

    def preview(self, steps: int, lr: float = 1.0, **settings: Any) -> tuple[float, ...]:
        """The learning rate of each step, without training; see `torchclinic.optim.preview`."""
        return call("preview_schedule", self, steps, lr, **settings)
