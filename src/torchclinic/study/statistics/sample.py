"""A sample of paired differences, checked and scaled so that no sum of it can overflow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from torchclinic.core import UsageError

Differences = Sequence[float] | NDArray[np.float64]

# Differences this close, relative to the largest, are one number written with rounding errors.
ROUNDING = 1e-12


def checked(differences: Differences) -> NDArray[np.float64]:
    """The differences as an array; UsageError when there is none or one is not finite."""
    sample = np.asarray(differences, dtype=np.float64).reshape(-1)
    if sample.size == 0:
        raise UsageError("there are no differences to judge", hint="give one for each seed")
    if not np.isfinite(sample).all():
        bad = sample[~np.isfinite(sample)][0]
        raise UsageError(
            f"a difference is {bad}", hint="paired_comparison decides what a diverged run counts as"
        )
    return sample


def scaled(sample: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The sample over its largest magnitude, and that magnitude (1 for a sample of zeros)."""
    scale = float(np.abs(sample).max())
    return (sample / scale, scale) if scale > 0 else (sample, 1.0)


def constant(sample: NDArray[np.float64]) -> bool:
    """Whether all values are equal up to rounding."""
    unit, _ = scaled(sample)
    return bool(np.ptp(unit) <= ROUNDING)


def mean(sample: NDArray[np.float64]) -> float:
    """The mean, without overflow.

    >>> mean(np.array([1e308, 1e308]))
    1e+308
    """
    unit, scale = scaled(sample)
    return float(unit.mean()) * scale


def bounds(
    differences: Differences,
    confidence: float,
    estimate: Callable[[NDArray[np.float64]], tuple[float, float]],
) -> tuple[float, float]:
    """An interval of the mean; `estimate` finds it for a sample that is neither one nor constant.

    Args:
        differences: The sample.
        confidence: In (0, 1).
        estimate: Scaled sample -> (low, high), in its unit.

    Returns:
        (low, high); (-inf, inf) for one difference, a single point when all are equal.

    Raises:
        UsageError: When there are none, one is not finite, or `confidence` is no share.

    >>> bounds([2.0, 2.0], 0.95, lambda unit: (0.0, 1.0))
    (2.0, 2.0)
    """
    sample = checked(differences)
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence!r}", hint="a share such as 0.95")
    if sample.size < 2:
        return -math.inf, math.inf
    if constant(sample):
        middle = mean(sample)
        return middle, middle
    unit, scale = scaled(sample)
    low, high = estimate(unit)
    return low * scale, high * scale
