"""Cyclic rates between two bounds (torch's CyclicLR): what its three forms have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.shape import check_fits

Mode = Literal["triangular", "triangular2", "exp_range"]
LOW_SHARE = 0.25  # of the upper bound, where no lower one is given; Smith 2017, section 3.3
CYCLES = 4  # Smith 2017, section 3.2: "at least 3"


@dataclass(frozen=True)
class Cyclic:
    """A factory of torch's CyclicLR that knows the length of the training.

    Args:
        mode: Torch's own.
        low: Lower bound, None for a quarter of the upper one.
        high: Upper bound, None for the optimizer's own rate.
        cycles: Whole cycles in the training; left out of account if `half_cycle` is given.
        half_cycle: Steps from bound to bound.
        end: Share of the distance between the bounds that is left at the end (exp_range only).
    """

    mode: Mode
    low: float | None = None
    high: float | None = None
    cycles: float = CYCLES
    half_cycle: int | None = None
    end: float = 1.0

    def __post_init__(self) -> None:
        low, high = self.low, self.high
        if (high is not None and not high > 0) or (low is not None and not low >= 0):
            raise UsageError(f"the bounds are low={low}, high={high}", hint="rates above 0")
        if low is not None and high is not None and not low < high:
            raise UsageError(f"low={low} is not below high={high}")
        if not self.cycles > 0 or (self.half_cycle is not None and self.half_cycle < 1):
            raise UsageError(f"cycles={self.cycles}, half_cycle={self.half_cycle}", hint="above 0")
        if not 0 < self.end <= 1:
            raise UsageError(f"end is {self.end}", hint="above 0 and at most 1")

    def __call__(self, optimizer: Optimizer, total_steps: int) -> CyclicLR:
        """The scheduler; step it after each optimizer step. Other groups keep their ratio."""
        half = self.half_cycle or max(1, round(total_steps / (2 * self.cycles)))
        check_fits("rise of the first cycle", half, total_steps)
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        high = rates[0] if self.high is None else self.high
        low = high * LOW_SHARE if self.low is None else self.low
        if not low < high:
            raise UsageError(f"low={low:g} is not below the optimizer's rate {high:g}")
        ratios = [rate / rates[0] if rates[0] else 1.0 for rate in rates]
        return CyclicLR(
            optimizer,
            base_lr=[low * ratio for ratio in ratios],
            max_lr=[high * ratio for ratio in ratios],
            step_size_up=half,
            mode=self.mode,
            gamma=self.end ** (1 / total_steps),
            cycle_momentum=False,
        )


def cyclic(
    mode: Mode,
    low: float | None,
    high: float | None,
    cycles: float,
    half_cycle: int | None,
    *,
    end: float = 1.0,
) -> Schedule:
    """A Schedule of torch's CyclicLR; see `triangular`, `triangular2` and `exp_range`."""
    return Schedule(Cyclic(mode, low, high, cycles, half_cycle, end), per="step", name=mode)
