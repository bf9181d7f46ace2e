"""Lower the rate when the validation loss stands still (torch's ReduceLROnPlateau)."""

from __future__ import annotations

from typing import Literal

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind
from torchclinic.optim.schedules.of_torch import of_torch


def plateau(
    *,
    factor: float = 0.1,
    patience: int = 5,
    mode: Literal["min", "max"] = "min",
    threshold: float = 1e-4,
    cooldown: int = 0,
    min_lr: float = 0.0,
) -> Schedule:
    """Multiply the rate by `factor` when there was no improvement for `patience` epochs.

    Args:
        factor: Below 1.
        patience: Epochs without improvement that are borne.
        mode: "min" looks at the validation loss, "max" at the metric.
        threshold: Relative improvement that counts.
        cooldown: Epochs after a fall in which nothing is counted.
        min_lr: The rate does not fall below it.

    Raises:
        UsageError: On values out of range.

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau.

    >>> plateau(patience=1).preview(5, values=[1.0, 1.0, 1.0, 1.0])
    (1.0, 1.0, 1.0, 0.1, 0.1)
    """
    if not 0 < factor < 1 or patience < 0 or cooldown < 0 or mode not in ("min", "max"):
        raise UsageError(
            f"factor={factor}, patience={patience}, cooldown={cooldown}, mode={mode!r}",
            hint="0 < factor < 1, patience and cooldown at least 0, mode 'min' or 'max'",
        )
    made = of_torch(
        "ReduceLROnPlateau",
        per="epoch",
        mode=mode,
        factor=factor,
        patience=patience,
        threshold=threshold,
        cooldown=cooldown,
        min_lr=min_lr,
    )
    return Schedule(made.factory, per="epoch", name="reduce on plateau")


SCHEDULES.add(
    "plateau",
    ScheduleKind(
        "plateau",
        "lower on a plateau",
        r"lr \leftarrow 0.1\,lr after 5 epochs without improvement",
        plateau,
        "torch.optim.lr_scheduler.ReduceLROnPlateau",
    ),
)
