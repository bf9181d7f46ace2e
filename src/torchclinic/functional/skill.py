"""A metric rescaled: 0 is what a constant prediction gets, 1 is perfect."""

from __future__ import annotations

import math

from torchclinic.core.facts import BatchFacts, Case
from torchclinic.core.history import SplitName
from torchclinic.functional.expected_loss import majority_share


def baseline(metric: str | None, batch: BatchFacts | None) -> float | None:
    """What a constant prediction scores: the majority share for accuracy, 0 for R2.

    Returns:
        None for a metric whose range is not known, or without labels to count.
    """
    if metric == "r2":
        return 0.0
    if metric == "accuracy" and batch is not None and batch.targets.class_counts:
        return majority_share(batch.targets.class_counts.values())
    return None


def rescale(value: float, base: float) -> float:
    """(value - base) / (1 - base).

    >>> rescale(0.75, base=0.5)
    0.5
    """
    return (value - base) / (1.0 - base) if base < 1.0 else 0.0


def metric_skill(case: Case, split: SplitName) -> float | None:
    """The last metric of a split, rescaled; None when it cannot be."""
    if case.history is None:
        return None
    base = baseline(case.history.metric, case.batch)
    points = case.history.curve(split, "metric")
    if base is None or not points or not math.isfinite(points[-1][1]):
        return None
    return rescale(points[-1][1], base)
