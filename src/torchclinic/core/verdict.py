"""Verdict: the statistical outcome of comparing paired runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(str, Enum):
    """How a repair ended."""

    REPAIRED = "repaired"  # better beyond chance and beyond the controls, and the fault is gone
    IMPROVED = "improved"  # better beyond chance, but a fault remains
    INCONCLUSIVE = "inconclusive"  # the seeds do not settle it
    NOT_REPAIRED = "not repaired"  # nothing that was tried helps
    HEALTHY = "healthy"  # nothing was wrong and nothing was changed


@dataclass(frozen=True)
class PairedComparison:
    """Two arms over the same seeds.

    Attributes:
        metric: What was compared.
        higher_is_better: Its direction.
        seeds: The seeds, paired.
        before: Value of the first arm for each seed.
        after: Value of the second arm for each seed.
        mean_difference: Mean of after - before, in the metric's unit.
        low: Lower end of the interval of the mean difference: in the proof of a repair the BCa
            bootstrap's, in a study the sign-flip test's.
        high: Upper end.
        confidence: Of the interval.
        p_value: Two-sided exact sign-flip p of the mean difference.
        effect_size: Mean difference over its standard deviation (d_z); inf when all are equal.
        superiority: Share of the pairs in which the second arm is better, ties half.
        diverged: Runs of the first and of the second arm without a finite score; `before` and
            `after` hold what they were counted as.
    """

    metric: str
    higher_is_better: bool
    seeds: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    mean_difference: float
    low: float
    high: float
    confidence: float
    p_value: float
    effect_size: float
    superiority: float
    diverged: tuple[int, int] = (0, 0)

    @property
    def better(self) -> bool:
        """Whether the second arm is better beyond chance: interval and p agree."""
        gain = self.low > 0 if self.higher_is_better else self.high < 0
        return gain and self.p_value < 1 - self.confidence


@dataclass(frozen=True)
class Verdict:
    """The outcome and the sentence that says why."""

    outcome: Outcome
    sentence: str
    comparison: PairedComparison | None = None
