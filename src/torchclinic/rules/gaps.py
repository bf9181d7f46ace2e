"""What the training part is learnt better than the validation part."""

from __future__ import annotations

from torchclinic.functional.learning import LearningState

LARGEST = 10.0  # times the constant prediction's loss: more is as bad


def generalisation_gap(state: LearningState) -> float:
    """Share of the loss removed, training minus validation; 0 where one is not known.

    >>> round(generalisation_gap(LearningState(removed=0.9, validation_removed=0.2)), 1)
    0.7
    """
    if state.validation_removed is None or state.removed is None:
        return 0.0
    return state.removed - max(state.validation_removed, -LARGEST)
