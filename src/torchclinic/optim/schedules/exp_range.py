"""Triangular cycles whose upper rate falls exponentially."""

from __future__ import annotations

from torchclinic.core import Schedule
from torchclinic.optim.schedules.cyclic import CYCLES, cyclic
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind

END = 0.1  # of the distance between the bounds, at the end of the training


def exp_range(
    low: float | None = None,
    high: float | None = None,
    *,
    cycles: float = CYCLES,
    half_cycle: int | None = None,
    end: float = END,
) -> Schedule:
    """As `triangular`, with the distance between the bounds falling by a factor at every step.

    Args:
        low: Lower bound; None for a quarter of the upper one.
        high: Upper bound at the start; None for the optimizer's own rate.
        cycles: Cycles in the training.
        half_cycle: Steps from bound to bound instead.
        end: Share of the distance that is left at the end: torch's gamma is `end ** (1 / T)`.

    Raises:
        UsageError: On bounds that are none; in a training shorter than its first rise.

    Source: Smith 2017, section 3, arXiv 1506.01186.

    >>> [round(rate, 3) for rate in exp_range(0.0, 1.0, half_cycle=1, end=0.0625).preview(4)]
    [0.0, 0.5, 0.0, 0.125]
    """
    return cyclic("exp_range", low, high, cycles, half_cycle, end=end)


SCHEDULES.add(
    "exp-range",
    ScheduleKind(
        "exp-range",
        "cyclic, the upper bound falls smoothly",
        r"low + (high - low) \gamma^t \max(0, 1 - |t / s - 2 \lfloor 1 + t / 2s \rfloor + 1|)",
        exp_range,
        "Smith 2017, arXiv 1506.01186",
    ),
)
