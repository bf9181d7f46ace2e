"""Prechelt's third criterion: stop when the error has risen in some strips in a row."""

from __future__ import annotations

import math
from typing import Any


class UninterruptedRise:
    r"""Stop when the error at the end of each of the last strips is above that before: $UP_s$.

    $UP_s$ stops after evaluation t iff $UP_{s-1}$ stops after t - k and
    $E_{va}(t) > E_{va}(t - k)$; $UP_1$ stops after the first strip of k evaluations whose end has
    $E_{va}(t) > E_{va}(t - k)$. How large the rises are does not matter.

    Args:
        strips: Successive strips s.
        length: Evaluations k in a strip; 5 in the source.

    Source: Prechelt 1998, "Early Stopping - But When?", section 2.2,
    doi 10.1007/3-540-49430-8_3.

    >>> criterion = UninterruptedRise(strips=2, length=1)
    >>> [criterion(error) for error in (1.0, 0.5, 0.6, 0.61)]
    [False, False, False, True]
    """

    def __init__(self, strips: int, length: int = 5) -> None:
        self._strips, self._length = strips, length
        self._seen, self._rises, self._before = 0, 0, math.inf

    def __call__(self, error: float) -> bool:
        """Whether to stop after this evaluation."""
        self._seen += 1
        if self._seen % self._length:
            return False
        error = math.inf if math.isnan(error) else error
        self._rises = self._rises + 1 if error > self._before else 0
        self._before = error
        return self._rises >= self._strips

    def state(self) -> dict[str, Any]:
        """What it remembers."""
        return {"seen": self._seen, "rises": self._rises, "before": self._before}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._seen, self._rises, self._before = state["seen"], state["rises"], state["before"]
