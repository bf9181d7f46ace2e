"""Short ways to write Evidence."""

from __future__ import annotations

from typing import Literal

from torchclinic.core.finding import Evidence
from torchclinic.functional.learning import LearningState
from torchclinic.rules.thresholds import LEARNING, Threshold

_OWN = "calibrated here (torchclinic.functional.progress)"


def above(what: str, value: float, limit: Threshold, unit: str = "", layer: str = "") -> Evidence:
    """The value is above the threshold, which means trouble."""
    return _measured(what, value, ">", limit, unit, layer)


def below(what: str, value: float, limit: Threshold, unit: str = "", layer: str = "") -> Evidence:
    """The value is below the threshold, which means trouble."""
    return _measured(what, value, "<", limit, unit, layer)


def fact(what: str, value: float, unit: str = "", layer: str = "") -> Evidence:
    """A number that is compared with nothing.

    >>> fact("classes", 10).value
    10.0
    """
    return Evidence(what, float(value), None, "=", unit, layer, "measured")


def learning_evidence(state: LearningState) -> tuple[Evidence, ...]:
    """What the loss curve says: () when there is no run to judge."""
    if not state.known or state.removed is None:
        return ()
    yardstick = "constant prediction's" if state.constant_known else "initial"
    what = f"share of the {yardstick} loss removed"
    if state.removed >= LEARNING.good:
        return (fact(what, state.removed),)
    return (Evidence(what, state.removed, LEARNING.good, "<", source=_OWN),)


def _measured(
    what: str,
    value: float,
    comparison: Literal["<", ">"],
    limit: Threshold,
    unit: str,
    layer: str,
) -> Evidence:
    return Evidence(what, float(value), float(limit), comparison, unit, layer, limit.source)
