"""Gradual warm-up, with the rule that the rate grows with the batch."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind
from torchclinic.optim.shape import Shape, check_fits, check_length, steps_of
from torchclinic.optim.warm_up import START

REFERENCE_BATCH = 256  # of Goyal et al., for which their rate of 0.1 holds


@dataclass(frozen=True)
class GradualWarmUp(Shape):
    r"""The rate rises linearly from `start` to `scale` times the optimizer's, then stays.

    $\eta(t) = \eta\,(a + (k - a) \min(t / w, 1))$

    Args:
        length: w: whole steps (an int) or a share of all steps (a float).
        start: a, above 0.
        scale: k, the factor at the end.

    Raises:
        UsageError: On values out of range; when called, if the training is shorter.

    >>> GradualWarmUp(length=10, start=1.0, scale=8.0).factor(5, total_steps=100)
    4.5
    """

    length: float = 0.05
    start: float = START
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_length("the length of the warm-up", self.length)
        if not (0 < self.start <= self.scale < float("inf")):
            raise UsageError(f"{self!r} is no warm-up", hint="0 < start <= scale")

    def check(self, total_steps: int) -> None:
        """Refuse a training that ends before the warm-up does."""
        check_fits("warm-up", steps_of(self.length, total_steps), total_steps)

    def factor(self, step: int, total_steps: int) -> float:
        """Share of the optimizer's learning rate at `step`, counted from 0."""
        steps = max(1, steps_of(self.length, total_steps))
        return self.start + (self.scale - self.start) * min(step / steps, 1.0)


def warm_up(length: float = 0.05, *, start: float | None = None, scale: float = 1.0) -> Schedule:
    r"""Gradual warm-up as a Schedule.

    For a batch of k n rows where the rate $\eta$ is known to be right for n, give the optimizer
    $\eta$ and this `scale=linear_scaling(k * n, n)`: the rate then rises from $\eta$ to $k \eta$.

    Args:
        length: Whole steps (an int) or a share of all steps (a float).
        start: Factor at the first step; None for 1 with a scale above 1, and else for 0.01.
        scale: Factor at the end and from there on.

    Raises:
        UsageError: On values out of range; in a training that is shorter than its warm-up.

    Source: Goyal et al. 2017, Accurate, Large Minibatch SGD, sections 2.1 and 2.2, arXiv
    1706.02677 (5 epochs there).

    >>> warm_up(2, scale=4.0).preview(4, lr=0.1)
    (0.1, 0.25, 0.4, 0.4)
    """
    begin = start if start is not None else (1.0 if scale > 1 else START)
    return Schedule(GradualWarmUp(length, begin, scale), per="step", name="warm-up")


def linear_scaling(batch_size: int, reference: int = REFERENCE_BATCH) -> float:
    """The factor k by which a rate that fits `reference` rows grows for `batch_size` rows.

    Raises:
        UsageError: For sizes below 1.

    Source: Goyal et al. 2017, the linear scaling rule, section 2.1, arXiv 1706.02677.

    >>> linear_scaling(8192)
    32.0
    """
    if batch_size < 1 or reference < 1:
        raise UsageError(f"batches of {batch_size} and {reference} rows", hint="at least 1 row")
    return batch_size / reference


SCHEDULES.add(
    "warm-up",
    ScheduleKind(
        "warm-up",
        "gradual warm-up",
        r"lr (a + (k - a) \min(t / w, 1))",
        warm_up,
        "Goyal et al. 2017, arXiv 1706.02677",
    ),
)
