"""Step decay: the rate falls by a factor at regular intervals (torch's StepLR)."""

from __future__ import annotations

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind
from torchclinic.optim.schedules.of_torch import of_torch


def step_decay(every: int = 2, *, factor: float = 0.1) -> Schedule:
    """Multiply the rate by `factor` every so many epochs.

    Args:
        every: Epochs.
        factor: Above 0.

    Raises:
        UsageError: On values out of range.

    Source: torch.optim.lr_scheduler.StepLR.

    >>> step_decay(every=1, factor=0.5).preview(4, steps_per_epoch=2)
    (1.0, 1.0, 0.5, 0.5)
    """
    if every < 1 or not factor > 0:
        raise UsageError(f"every={every}, factor={factor}", hint="every >= 1 and factor > 0")
    made = of_torch("StepLR", per="epoch", step_size=every, gamma=factor)
    return Schedule(made.factory, per="epoch", name="step decay")


SCHEDULES.add(
    "step-decay",
    ScheduleKind(
        "step-decay",
        "step decay",
        r"lr\,\gamma^{\lfloor e / s \rfloor}, e the epoch",
        step_decay,
        "torch.optim.lr_scheduler.StepLR",
    ),
)
