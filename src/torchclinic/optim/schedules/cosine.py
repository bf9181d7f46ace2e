"""Cosine decay as a Schedule."""

from __future__ import annotations

from torchclinic.core import Schedule
from torchclinic.optim.cosine import CosineDecay
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind


def cosine(*, warm_up: float = 0.0, floor: float = 0.0) -> Schedule:
    """Half a cosine from the full rate to `floor` times it, after a warm-up if one is asked for.

    Args:
        warm_up: Share of all steps, 0 for none.
        floor: Share of the rate at the end.

    Raises:
        UsageError: On values out of range.

    Source: Loshchilov and Hutter 2017, SGDR, equation 5, arXiv 1608.03983.

    >>> [round(rate, 3) for rate in cosine().preview(4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    name = "warm-up and cosine" if warm_up else "cosine"
    return Schedule(CosineDecay(share=warm_up, floor=floor), per="step", name=name)


SCHEDULES.add(
    "cosine",
    ScheduleKind(
        "cosine",
        "cosine decay",
        r"lr (f + (1 - f) (1 + \cos(\pi t / T)) / 2)",
        cosine,
        "Loshchilov and Hutter 2017, arXiv 1608.03983",
    ),
)
