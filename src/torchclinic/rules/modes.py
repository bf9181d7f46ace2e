"""How far a model's loss in evaluation mode lies above that in training mode, on its own rows."""

from __future__ import annotations

import math

from torchclinic.core.facts import Case
from torchclinic.rules import thresholds as t
from torchclinic.rules.grading import state_of


def mode_gap(case: Case) -> float | None:
    """Loss on training rows, evaluation mode minus training mode, as a share of the constant's.

    Averaged weights are evaluated in place of the run's own, so that nothing is known of those.

    >>> mode_gap(Case()) is None
    True
    """
    history, state = case.history, state_of(case)
    seen = None if history is None else history.last("train")
    if seen is None or state.final is None or state.constant is None or not state.constant_known:
        return None
    if case.recipe is None or case.recipe.averages or not math.isfinite(seen.loss):
        return None
    if history is not None and history.best_step is not None:
        return None  # the last evaluation is not that of the last weights
    width = state.constant - state.floor
    return (seen.loss - state.final) / width if width > 0 else None


def modes_differ(case: Case) -> bool:
    """Whether the model does clearly worse in evaluation mode, on the rows that it learns from.

    Then what validation shows is not a matter of rows that it has not seen.
    """
    gap, state = mode_gap(case), state_of(case)
    if gap is None or state.final is None or state.constant is None:
        return False
    shown = gap * (state.constant - state.floor)
    return gap > t.MODE_GAP and shown > t.MODE_GAP * abs(state.final)
