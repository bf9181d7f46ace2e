"""Minimum: what a gradient-free search found, and on which way."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Minimum:
    """What a gradient-free search found.

    Attributes:
        method: Name of the method.
        point: (d,), the lowest point.
        value: Of the objective there.
        evaluations: How many points were evaluated.
        reason: Why the search ended.
        at: (k,), evaluations after each portion.
        history: (k,), the lowest value so far after each portion.
        path: (k, d), the lowest point so far after each portion; None unless it was asked for.
    """

    method: str
    point: Tensor
    value: float
    evaluations: int
    reason: str
    at: Tensor
    history: Tensor
    path: Tensor | None = None

    def evaluations_to(self, value: float) -> int | None:
        """Evaluations until the objective was at most `value`; None if it never was."""
        reached = (self.history <= value).nonzero()
        return int(self.at[reached[0]]) if len(reached) else None
