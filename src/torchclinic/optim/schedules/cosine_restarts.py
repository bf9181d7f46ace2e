"""Cosine decay with warm restarts (torch's CosineAnnealingWarmRestarts)."""

from __future__ import annotations

from dataclasses import dataclass

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind
from torchclinic.optim.shape import check_fits


@dataclass(frozen=True)
class CosineRestarts:
    """A factory of torch's scheduler that knows the length of the training."""

    cycles: int = 3
    growth: int = 2
    min_lr: float = 0.0
    first: int | None = None

    def __post_init__(self) -> None:
        for name in ("cycles", "growth"):
            if not isinstance(value := getattr(self, name), int) or value < 1:
                raise UsageError(f"{name} is {value!r}", hint="a whole number of at least 1")
        if self.first is not None and self.first < 1:
            raise UsageError(f"first is {self.first}", hint="steps, at least 1")
        if not self.min_lr >= 0:
            raise UsageError(f"min_lr is {self.min_lr}", hint="a rate of at least 0")

    def first_steps(self, total_steps: int) -> int:
        """Steps of the first cycle: so that the last one ends with the training.

        >>> CosineRestarts(cycles=3, growth=2).first_steps(70)
        10
        """
        if self.first is not None:
            return self.first
        units = sum(self.growth**cycle for cycle in range(self.cycles))
        return -(-total_steps // units)

    def __call__(self, optimizer: Optimizer, total_steps: int) -> CosineAnnealingWarmRestarts:
        """The scheduler; step it after each optimizer step."""
        first = self.first_steps(total_steps)
        check_fits("first cycle", first, total_steps)
        return CosineAnnealingWarmRestarts(optimizer, first, self.growth, self.min_lr)


def cosine_restarts(
    cycles: int = 3, *, growth: int = 2, min_lr: float = 0.0, first: int | None = None
) -> Schedule:
    """Half cosines one after the other, each beginning at the full rate.

    Args:
        cycles: How many in the training; left out of account if `first` is given.
        growth: How many times longer each is than the one before.
        min_lr: Rate at the end of each.
        first: Steps of the first instead.

    Raises:
        UsageError: On values out of range; in a training shorter than its first cycle.

    Source: Loshchilov and Hutter 2017, SGDR, arXiv 1608.03983.

    >>> [round(rate, 2) for rate in cosine_restarts(first=2).preview(7)]
    [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0]
    """
    shape = CosineRestarts(cycles, growth, min_lr, first)
    return Schedule(shape, per="step", name="cosine with restarts")


SCHEDULES.add(
    "cosine-restarts",
    ScheduleKind(
        "cosine-restarts",
        "cosine with restarts",
        r"m + (lr - m) (1 + \cos(\pi t_i / T_i)) / 2,\ T_{i+1} = g T_i",
        cosine_restarts,
        "Loshchilov and Hutter 2017, arXiv 1608.03983",
    ),
)
