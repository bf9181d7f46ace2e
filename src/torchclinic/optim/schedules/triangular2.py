"""Triangular cycles whose upper rate comes half as near each time."""

from __future__ import annotations

from torchclinic.core import Schedule
from torchclinic.optim.schedules.cyclic import CYCLES, cyclic
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind


def triangular2(
    low: float | None = None,
    high: float | None = None,
    *,
    cycles: float = CYCLES,
    half_cycle: int | None = None,
) -> Schedule:
    """As `triangular`, with the distance between the bounds halved after each cycle.

    Args:
        low: Lower bound; None for a quarter of the upper one.
        high: Upper bound of the first cycle; None for the optimizer's own rate.
        cycles: Cycles in the training.
        half_cycle: Steps from bound to bound instead.

    Raises:
        UsageError: On bounds that are none; in a training shorter than its first rise.

    Source: Smith 2017, section 3, arXiv 1506.01186.

    >>> [round(rate, 2) for rate in triangular2(0.1, 0.5, half_cycle=1).preview(6)]
    [0.1, 0.5, 0.1, 0.3, 0.1, 0.2]
    """
    return cyclic("triangular2", low, high, cycles, half_cycle)


SCHEDULES.add(
    "triangular2",
    ScheduleKind(
        "triangular2",
        "cyclic, the upper bound halved",
        r"low + (high - low) 2^{1 - c} \max(0, 1 - |t / s - 2 c + 1|),"
        r"\ c = \lfloor 1 + t / 2s \rfloor",
        triangular2,
        "Smith 2017, arXiv 1506.01186",
    ),
)
