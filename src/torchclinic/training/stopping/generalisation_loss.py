"""Prechelt's first criterion: stop when generalisation has got worse by some percent."""

from __future__ import annotations

import math
from typing import Any

from torchclinic.core import LossError


class GeneralisationLoss:
    r"""Stop as soon as the error has risen by some percent above the lowest so far: $GL_\alpha$.

    $GL(t) = 100 \left(\frac{E_{va}(t)}{\min_{t' \le t} E_{va}(t')} - 1\right) > \alpha$

    **Units**: percent.

    Args:
        threshold: Alpha.

    Source: Prechelt 1998, "Early Stopping - But When?", section 2.2,
    doi 10.1007/3-540-49430-8_3.

    >>> criterion = GeneralisationLoss(5.0)
    >>> [criterion(error) for error in (1.0, 0.5, 0.52, 0.53)]
    [False, False, False, True]
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._lowest = math.inf

    def __call__(self, error: float) -> bool:
        """Whether to stop after this evaluation.

        Raises:
            LossError: On an error below 0, of which there are no percent.
        """
        if error < 0:
            raise LossError(
                f"the generalisation loss is a ratio, and a validation error is {error:.4g}",
                hint="it needs errors of at least 0: take criterion='patience'",
            )
        error = math.inf if math.isnan(error) else error
        self._lowest = min(self._lowest, error)
        return error > self._lowest * (1 + self._threshold / 100)

    def state(self) -> dict[str, Any]:
        """What it remembers."""
        return {"lowest": self._lowest}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._lowest = state["lowest"]
