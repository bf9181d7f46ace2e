"""Triangular cycles between the same two rates."""

from __future__ import annotations

from torchclinic.core import Schedule
from torchclinic.optim.schedules.cyclic import CYCLES, cyclic
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind


def triangular(
    low: float | None = None,
    high: float | None = None,
    *,
    cycles: float = CYCLES,
    half_cycle: int | None = None,
) -> Schedule:
    """Up and down between two rates, in straight lines (torch's CyclicLR).

    Such a training need not end at its best: keep the best weights (`keep_best=True`).

    Args:
        low: Lower bound, such as an LR range test suggests; None for a quarter of the upper one.
        high: Upper bound; None for the optimizer's own rate.
        cycles: Cycles in the training.
        half_cycle: Steps from bound to bound instead.

    Raises:
        UsageError: On bounds that are none; in a training shorter than its first rise.

    Source: Smith 2017, section 3, arXiv 1506.01186.

    >>> [round(rate, 2) for rate in triangular(0.1, 0.5, half_cycle=2).preview(6)]
    [0.1, 0.3, 0.5, 0.3, 0.1, 0.3]
    """
    return cyclic("triangular", low, high, cycles, half_cycle)


SCHEDULES.add(
    "triangular",
    ScheduleKind(
        "triangular",
        "cyclic, the same bounds",
        r"low + (high - low) \max(0, 1 - |t / s - 2 \lfloor 1 + t / 2s \rfloor + 1|)",
        triangular,
        "Smith 2017, arXiv 1506.01186",
    ),
)
