"""One cycle: up to a large rate and far down again (torch's OneCycleLR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind


@dataclass(frozen=True)
class OneCycle:
    """A factory of torch's OneCycleLR that knows the length of the training; see `one_cycle`."""

    high: float | None = None
    rise: float = 0.3
    start: float = 0.04
    end: float = 4e-6
    anneal: Literal["cos", "linear"] = "cos"
    cycle_momentum: bool = False

    def __post_init__(self) -> None:
        if self.high is not None and not self.high > 0:
            raise UsageError(f"high is {self.high}", hint="a rate above 0")
        if not (0 < self.rise < 1 and 0 < self.end <= self.start <= 1):
            raise UsageError(f"{self!r} is no cycle", hint="0 < rise < 1, 0 < end <= start <= 1")
        if self.anneal not in ("cos", "linear"):
            raise UsageError(f"there is no anneal {self.anneal!r}", hint="known: cos, linear")

    def __call__(self, optimizer: Optimizer, total_steps: int) -> OneCycleLR:
        """The scheduler; step it after each optimizer step."""
        if self.rise * total_steps <= 1:
            raise UsageError(
                f"a rise over {self.rise:g} of {total_steps} steps is no step long",
                hint=f"train at least {int(1 / self.rise) + 1} steps, or rise for longer",
            )
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        scale = 1.0 if self.high is None or not rates[0] else self.high / rates[0]
        return OneCycleLR(
            optimizer,
            max_lr=[rate * scale for rate in rates],
            total_steps=total_steps,
            pct_start=float(self.rise),
            anneal_strategy=self.anneal,
            cycle_momentum=self.cycle_momentum,
            div_factor=1 / self.start,
            final_div_factor=self.start / self.end,
        )


def one_cycle(
    high: float | None = None,
    *,
    rise: float = 0.3,
    start: float = 0.04,
    end: float = 4e-6,
    anneal: Literal["cos", "linear"] = "cos",
    cycle_momentum: bool = False,
) -> Schedule:
    """Up to a large rate over the first part of the training, then down to almost nothing.

    Args:
        high: The largest rate; None for the optimizer's own.
        rise: Share of all steps of the way up.
        start: Rate at the first step, as a share of the largest.
        end: Rate at the last step, as a share of the largest.
        anneal: "cos" or "linear".
        cycle_momentum: Whether the momentum (or beta_1) goes 0.95 to 0.85 and back, against the
            rate; the optimizer must have one.

    Raises:
        UsageError: On values out of range; in a training that is too short to rise.

    Source: Smith and Topin 2018, Super-Convergence, arXiv 1708.07120; torch's defaults.

    >>> rates = one_cycle(0.5, anneal="linear").preview(12)
    >>> round(rates[0], 3), rates.index(max(rates)), rates[-1] < 1e-5
    (0.02, 3, True)
    """
    shape = OneCycle(high, rise, start, end, anneal, cycle_momentum)
    return Schedule(shape, per="step", name="one cycle")


SCHEDULES.add(
    "one-cycle",
    ScheduleKind(
        "one-cycle",
        "one cycle",
        r"start \to high over 0.3 T, then high \to end, along half cosines",
        one_cycle,
        "Smith and Topin 2018, arXiv 1708.07120",
    ),
)
