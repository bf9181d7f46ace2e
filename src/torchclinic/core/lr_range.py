"""LRRange: the curve of a learning-rate range test and what it suggests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LRRange:
    """The result of an LR range test.

    Attributes:
        learning_rates: The rates tried, rising.
        losses: Smoothed loss at each rate, mean over the seeds.
        low: Lower edge of the band over the seeds.
        high: Upper edge of the band over the seeds.
        suggestions: Name -> rate: "valley", "steepest", "minimum/10", "divergence/10".
        divergence: First rate at which the loss blows up, None if it never does.
        seeds: Number of seeds.
        configured: The recipe's own learning rate, if known.
        reason: Why there is no suggestion; empty when there is one.
        bounds: Ends of a cyclic schedule, as name -> rate: "descent/6", a sixth of the rate at
            which the loss begins to fall, and "minimum/10"; empty where they would not rise.
        method: "ramp" (one model at rising rates) or "fresh" (a fresh model at each rate).
    """

    learning_rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    suggestions: Mapping[str, float] = field(default_factory=dict[str, float])
    divergence: float | None = None
    seeds: int = 1
    configured: float | None = None
    reason: str = ""
    bounds: Mapping[str, float] = field(default_factory=dict[str, float])
    method: str = "ramp"

    @property
    def suggestion(self) -> float | None:
        """The rate to use: the valley, else the first suggestion, else None.

        >>> LRRange(suggestions={"valley": 0.1}).suggestion
        0.1
        """
        if "valley" in self.suggestions:
            return self.suggestions["valley"]
        return next(iter(self.suggestions.values()), None)
