"""The yardstick of a loss: what a constant prediction costs, and what cannot be undercut."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchclinic.core.facts import BatchFacts


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


def loss_scale(batch: BatchFacts | None, initial: float) -> LossScale:
    """The yardstick for a curve that starts at `initial`.

    A loss that sums over the rows of a batch has no fixed yardstick, so its start serves.

    >>> loss_scale(None, initial=3.0)
    LossScale(constant=3.0, known=False, floor=0.0)
    """
    expected = batch.expected_loss if batch is not None else None
    usable = expected is not None and math.isfinite(expected) and expected > 0
    if batch is None or expected is None or not usable or batch.sum_reduction:
        return LossScale(constant=initial, known=False)
    floor = batch.floor_loss if 0 < batch.floor_loss < expected else 0.0
    return LossScale(constant=expected, known=True, floor=floor)
