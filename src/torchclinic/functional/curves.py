"""The loss and gradient curves of a Case, from its History or, failing that, from its Trace."""

from __future__ import annotations

from torchclinic.core.facts import Case
from torchclinic.core.trace import LEARNING_RATE, LOSS, TOTAL_GRADIENT_NORM, Series


def loss_series(case: Case) -> Series:
    """Training loss by step: of the History where there is one, else as the watch saw it."""
    return _from_history(case, "losses", LOSS)


def gradient_series(case: Case) -> Series:
    """Total gradient norm by step, before clipping; empty where nobody recorded it."""
    return _from_history(case, "gradient_norms", TOTAL_GRADIENT_NORM)


def rate_series(case: Case) -> Series:
    """Learning rate of the first group by step; empty where nobody recorded it."""
    return _from_history(case, "learning_rates", LEARNING_RATE)


def _from_history(case: Case, field: str, statistic: str) -> Series:
    values: tuple[float, ...] = getattr(case.history, field, ())
    if values:
        return Series(tuple(range(1, len(values) + 1)), values)
    return case.trace.steps.get(statistic, Series()) if case.trace else Series()
