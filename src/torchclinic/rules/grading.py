"""From impact and number to level and confidence."""

from __future__ import annotations

import math

from torchclinic.core.facts import Case
from torchclinic.core.finding import Level
from torchclinic.functional.learning import LearningState, learning_state
from torchclinic.rules import thresholds as t

_memo: list[tuple[Case, LearningState]] = []


def state_of(case: Case) -> LearningState:
    """The LearningState of a Case; the newest one is remembered, as every rule asks for it."""
    if not _memo or _memo[0][0] is not case:
        _memo[:] = [(case, learning_state(case, t.LEARNING))]
    return _memo[0][1]


def exact(state: LearningState) -> Level:
    """Level of a fault that is certain: an error, but a warning where the training learns anyway.

    >>> exact(LearningState())
    <Level.ERROR: 'error'>
    """
    return Level.WARNING if state.fine else Level.ERROR


def gated(state: LearningState, signals: int) -> Level:
    """Level of a fault that matters only where learning suffers.

    Args:
        state: Of the training.
        signals: Independent signs of the fault, the loss curve not counted.

    Returns:
        ERROR when it does not learn and at least two signs agree; WARNING when it learns badly,
        when no run is known and two signs agree, or when it learns but leaves much undone and
        three signs agree; else INFO.

    >>> gated(LearningState(), signals=1)
    <Level.INFO: 'info'>
    """
    if state.hurt:
        return Level.ERROR if signals >= 2 else Level.WARNING
    if state.poor:
        return Level.WARNING
    if not state.known:
        return Level.WARNING if signals >= 2 else Level.INFO
    return Level.WARNING if signals >= 3 and wanting(state) else Level.INFO


def wanting(state: LearningState) -> bool:
    """Whether a training that learns leaves much to wish for, on its own rows or on others."""
    skill = state.skill if state.skill is not None else 0.0
    unseen = state.validation_removed
    short = (state.removed or 0.0) < t.WANTING and skill < t.LEARNING.perfect
    return short or (unseen is not None and unseen < t.WANTING_UNSEEN and skill < 1)


def confidence(value: float, threshold: float, signals: int = 1) -> float:
    """0 to 1: rises with the decades between value and threshold and with agreeing signs.

    >>> round(confidence(100.0, 1.0, signals=2), 2)
    0.8
    """
    if not (value > 0 and threshold > 0 and math.isfinite(value)):
        decades = 2.0
    else:
        decades = min(abs(math.log10(value / threshold)), 2.0)
    return min(0.4 + 0.125 * decades + 0.15 * max(signals - 1, 0), 0.98)
