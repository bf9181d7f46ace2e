"""The yardstick of a loss: what a constant prediction costs, and what cannot be undercut."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchclinic.core.facts import Case


@dataclass(frozen=True)
class LossScale:
    """The range in which learning happens.

    Attributes:
        constant: Loss of the best constant prediction, or of the untrained model where that is
            unknown.
        known: Whether `constant` is the former.
        floor: Smallest loss that the model's output allows.
    """

    constant: float
    known: bool
    floor: float = 0.0

    @property
    def width(self) -> float:
        """Constant minus floor, or |constant| where that is not positive."""
        width = self.constant - self.floor
        return width if width > 0 else abs(self.constant)

    def removed(self, loss: float) -> float:
        """Share of the width that `loss` has removed: 0 for the constant prediction, 1 at best.

        >>> LossScale(constant=2.0, known=True).removed(0.5)
        0.75
        """
        if not math.isfinite(loss):
            return -math.inf
        return (self.constant - loss) / self.width if self.width > 0 else 0.0


def loss_scale(case: Case, initial: float) -> LossScale:
    """The yardstick for a curve that starts at `initial`, which serves where no other is known.

    >>> loss_scale(Case(), initial=3.0)
    LossScale(constant=3.0, known=False, floor=0.0)
    """
    batch = case.batch
    expected = batch.expected_loss if batch is not None else None
    if batch is None or expected is None or not math.isfinite(expected) or expected <= 0:
        return LossScale(constant=initial, known=False)
    if batch.sum_reduction:
        return _summed(case, initial, expected)
    floor = batch.floor_loss if 0 < batch.floor_loss < expected else 0.0
    return LossScale(constant=expected, known=True, floor=floor)


def initial_level(case: Case) -> float | None:
    """Loss of the untrained model on as many rows as a step has; None where it is not known."""
    first = case.batch.initial_loss if case.batch is not None else None
    if first is None or not math.isfinite(first):
        return None
    share = batch_share(case)
    if case.batch is None or not case.batch.sum_reduction:
        return first
    return None if share is None else first * share


def batch_share(case: Case) -> float | None:
    """Rows of a step over rows of the sample that the facts were taken from."""
    shape = case.batch.targets.shape if case.batch is not None else ()
    size = case.recipe.batch_size if case.recipe is not None else None
    return size / shape[0] if shape and shape[0] and size else None


def _summed(case: Case, initial: float, expected: float) -> LossScale:
    """A loss that sums over rows grows with the batch: scale it from the sample to a step."""
    share, first = batch_share(case), case.batch.initial_loss if case.batch is not None else None
    comparable = first is not None and expected / 5 < first < 100 * expected
    if share is None or not comparable:
        return LossScale(constant=initial, known=False)
    return LossScale(constant=expected * share, known=True)
