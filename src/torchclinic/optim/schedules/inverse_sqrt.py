"""The inverse square root of the step, after a warm-up."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core import Schedule
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind
from torchclinic.optim.shape import Shape, check_fits, check_length, steps_of


@dataclass(frozen=True)
class InverseSquareRoot(Shape):
    r"""$\eta(t) = \eta \min\left(\frac{t + 1}{w}, \sqrt{\frac{w}{t + 1}}\right)$.

    Args:
        warm_up: w, at least one step: whole steps (an int) or a share of all steps (a float).

    Raises:
        UsageError: On values out of range; when called, if the training is shorter.

    >>> [InverseSquareRoot(4).factor(t, 100) for t in (0, 3, 15)]
    [0.25, 1.0, 0.5]
    """

    warm_up: float = 0.1

    def __post_init__(self) -> None:
        check_length("the length of the warm-up", self.warm_up)

    def check(self, total_steps: int) -> None:
        """Refuse a training that ends before the warm-up does."""
        check_fits("warm-up", steps_of(self.warm_up, total_steps), total_steps)

    def factor(self, step: int, total_steps: int) -> float:
        """Share of the optimizer's learning rate at `step`, counted from 0."""
        rise = max(1, steps_of(self.warm_up, total_steps))
        return min((step + 1) / rise, (rise / (step + 1)) ** 0.5)


def inverse_sqrt(warm_up: float = 0.1) -> Schedule:
    r"""Linear warm-up to the full rate, then the inverse square root of the step.

    The paper's own constant, $1 / \sqrt{d_{model}}$, belongs into the optimizer's rate.

    Args:
        warm_up: Whole steps (an int) or a share of all steps (a float).

    Raises:
        UsageError: On values out of range; in a training that is shorter than its warm-up.

    Source: Vaswani et al. 2017, equation 3, arXiv 1706.03762.

    >>> inverse_sqrt(2).preview(4, lr=0.2)[:2]
    (0.1, 0.2)
    """
    return Schedule(InverseSquareRoot(warm_up), per="step", name="inverse square root")


SCHEDULES.add(
    "inverse-sqrt",
    ScheduleKind(
        "inverse-sqrt",
        "inverse square root",
        r"lr \min((t + 1) / w, \sqrt{w / (t + 1)})",
        inverse_sqrt,
        "Vaswani et al. 2017, arXiv 1706.03762",
    ),
)
