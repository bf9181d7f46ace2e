"""Smoothing without lag and without bias at the ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Smoothed(NamedTuple):
    """Smoothed values, and the factor by which smoothing shrinks independent noise."""

    values: Floats
    shrinkage: float


def smooth(values: Floats, points: float) -> Smoothed:
    r"""Exponential average over both sides of each point.

    s_i = sum_j w_ij y_j with w_ij proportional to exp(-|i - j| / points) and sum_j w_ij = 1. The
    two sides cancel the lag that a running average has, which would move every suggestion to a
    higher rate; dividing by the weights that are there removes the bias at the ends.

    Args:
        values: One a point; of several curves at once, the points are the last dimension.
        points: Decay length.

    Returns:
        The smoothed values, and sqrt(sum_j w_ij^2) averaged over the points.

    >>> smooth(np.array([0.0, 0.0, 1.0, 0.0, 0.0]), 1.0).values.round(2).tolist()
    [0.09, 0.19, 0.5, 0.19, 0.09]
    """
    index = np.arange(values.shape[-1])
    weights = np.exp(-np.abs(index[:, None] - index) / points)
    weights /= weights.sum(axis=1, keepdims=True)
    return Smoothed(values @ weights.T, float(np.sqrt((weights**2).sum(axis=1)).mean()))
