"""Torch's own schedulers, by name."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass
from typing import Any, Literal

from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from torchclinic.core import Schedule, UsageError

# The option of each that means the length of the training: filled in where it is not given.
LENGTHS = {
    "CosineAnnealingLR": "T_max",
    "LinearLR": "total_iters",
    "OneCycleLR": "total_steps",
    "PolynomialLR": "total_iters",
}
_ABSTRACT = ("LRScheduler", "ChainedScheduler", "SequentialLR")  # `compose` is for these
TORCH_SCHEDULES: dict[str, type[LRScheduler]] = {
    name: kind
    for name, kind in vars(lr_scheduler).items()
    if inspect.isclass(kind)
    and issubclass(kind, LRScheduler)
    and not name.startswith("_")
    and name not in _ABSTRACT
}


@dataclass(frozen=True)
class TorchSchedule:
    """A factory of one of torch's schedulers that knows the length of the training."""

    kind: str
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, optimizer: Optimizer, total_steps: int) -> Any:
        """The scheduler."""
        options = dict(self.options)
        length = LENGTHS.get(self.kind)
        if length is not None:
            options.setdefault(length, total_steps)
        return TORCH_SCHEDULES[self.kind](optimizer, **options)


def of_torch(name: str, *, per: Literal["step", "epoch"] | None = None, **options: Any) -> Schedule:
    """One of torch's schedulers as a Schedule.

    The option that means the length of the training (`T_max`, `total_iters`, `total_steps`) may be
    left out: the training fills it in.

    Args:
        name: Of a class of `torch.optim.lr_scheduler`.
        per: "step" or "epoch"; None for what torch's own example does: once a step for cyclic and
            one-cycle rates, else once an epoch.
        options: As torch has them.

    Raises:
        UsageError: For a name that torch does not have, or an option that the scheduler does not.

    Source: torch.optim.lr_scheduler.

    >>> of_torch("StepLR", step_size=2, gamma=0.1).preview(4, lr=1.0)
    (1.0, 1.0, 0.1, 0.1)
    """
    if name not in TORCH_SCHEDULES:
        near = difflib.get_close_matches(name, TORCH_SCHEDULES, 3, 0.4) or sorted(TORCH_SCHEDULES)
        raise UsageError(f"torch has no schedule {name!r}", hint=f"known: {', '.join(near)}")
    known = [*inspect.signature(TORCH_SCHEDULES[name]).parameters][1:]
    for option in options:
        if option not in known:
            listed = ", ".join(known)
            raise UsageError(f"{name} has no option {option!r}", hint=f"known: {listed}")
    if per is None:
        per = "step" if name in ("CyclicLR", "OneCycleLR") else "epoch"
    return Schedule(TorchSchedule(name, tuple(options.items())), per=per, name=name)
