"""A metric rescaled: 0 is what a constant prediction gets, 1 is perfect."""

from __future__ import annotations

import math

from torchclinic.core.facts import BatchFacts, Case
from torchclinic.core.history import SplitName
from torchclinic.functional.expected_loss import majority_share


def baseline(metric: str | None, batch: BatchFacts | None) -> float | None:
    """What a constant prediction scores: the majority share, 0 for R2, the targets' variance.

    Args:
        metric: "accuracy", "r2" or "mse".
        batch: Supplies the labels.

    Returns:
        None for a metric whose range is not known, or without labels to count.
    """
    if metric == "r2":
        return 0.0
    if batch is None:
        return None
    if metric == "accuracy" and batch.targets.class_counts:
        return majority_share(batch.targets.class_counts.values())
    std = batch.targets.std
    return std**2 if metric == "mse" and std is not None and std > 0 else None


def rescale(value: float, base: float, perfect: float = 1.0) -> float:
    """(value - base) / (perfect - base): 0 for the constant prediction and 1 at best.

    >>> rescale(0.75, base=0.5), rescale(1.0, base=4.0, perfect=0.0)
    (0.5, 0.75)
    """
    return (value - base) / (perfect - base) if base != perfect else 0.0


def skills(case: Case, split: SplitName) -> tuple[float, ...]:
    """The metric of a split over time, rescaled; () when it cannot be."""
    if case.history is None:
        return ()
    metric = case.history.metric
    base, perfect = baseline(metric, case.batch), 0.0 if metric == "mse" else 1.0
    if base is None or not math.isfinite(base):
        return ()
    points = case.history.curve(split, "metric")
    return tuple(rescale(value, base, perfect) for _, value in points if math.isfinite(value))


def metric_skill(case: Case, split: SplitName) -> float | None:
    """The last metric of a split, rescaled; None when it cannot be."""
    found = skills(case, split)
    return found[-1] if found else None
