"""Stop when nothing has improved for some evaluations."""

from __future__ import annotations

import math
from typing import Any


class Patience:
    """Stop after so many evaluations in a row that are no improvement.

    Args:
        patience: Evaluations.
        min_delta: By how much an error must be below the best to be an improvement.

    >>> criterion = Patience(2)
    >>> [criterion(error) for error in (3.0, 2.0, 2.5, 2.0)]
    [False, False, False, True]
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        self._patience, self._min_delta = patience, min_delta
        self._best, self._stale = math.inf, 0

    def __call__(self, error: float) -> bool:
        """Whether to stop after this evaluation."""
        if error < self._best - self._min_delta:
            self._best, self._stale = error, 0
        else:
            self._stale += 1
        return self._stale >= self._patience

    def state(self) -> dict[str, Any]:
        """What it remembers."""
        return {"best": self._best, "stale": self._stale}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._best, self._stale = state["best"], state["stale"]
