"""What a stopping criterion is."""

from __future__ import annotations

from typing import Any, Protocol

from torchclinic.core import EarlyStopping


class StoppingCriterion(Protocol):
    """`criterion(error) -> stop`, told of each validation error in turn; lower is better.

    A NaN counts as an infinite error.
    """

    def __call__(self, error: float) -> bool:
        """Whether to stop after this evaluation."""
        ...

    def state(self) -> dict[str, Any]:
        """What it remembers, as plain values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        ...


def stopping_criterion(stopping: EarlyStopping) -> StoppingCriterion:
    """The criterion that the options name, at its beginning.

    >>> criterion = stopping_criterion(EarlyStopping(patience=2))
    >>> [criterion(error) for error in (0.5, 0.6, 0.7)]
    [False, False, True]
    """
    from torchclinic.training.stopping.generalisation_loss import GeneralisationLoss
    from torchclinic.training.stopping.patience import Patience
    from torchclinic.training.stopping.uninterrupted_rise import UninterruptedRise

    if stopping.criterion == "generalisation-loss":
        return GeneralisationLoss(stopping.threshold)
    if stopping.criterion == "uninterrupted-rise":
        return UninterruptedRise(stopping.patience, stopping.strip)
    return Patience(stopping.patience, stopping.min_delta)
