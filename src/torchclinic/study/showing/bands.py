"""The curves of an arm over its seeds: mean and band."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from torchclinic.core import StudyResult
from torchclinic.core.history import SplitName

Quantity = Literal["loss", "metric"]


class Band(NamedTuple):
    """The curves of an arm over its seeds.

    Attributes:
        steps: Steps at which all seeds have a value.
        mean: Mean over the seeds.
        low: Lowest value of a seed.
        high: Highest value.
    """

    steps: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def band(result: StudyResult, arm: str, split: SplitName, quantity: Quantity) -> Band:
    """Mean and band of an arm's curves, at the steps that all of its seeds have.

    Values that are not finite are left out; where no seed has a finite one, all are NaN.

    Args:
        result: The study.
        arm: Name of the arm.
        split: Part of the data.
        quantity: "loss" or "metric".

    >>> from torchclinic.core import StudyArm, StudyCurve
    >>> curves = [StudyCurve("a", s, "test", "loss", ((5, 1.0 + s),)) for s in (0, 1)]
    >>> study = StudyResult("s", (StudyArm("a"),), (0, 1), "loss", False, curves=tuple(curves))
    >>> found = band(study, "a", "test", "loss")
    >>> [float(values[0]) for values in found]
    [5.0, 1.5, 1.0, 2.0]
    """
    tables = [dict(curve.points) for curve in result.curves_of(arm, split, quantity)]
    shared = sorted(set.intersection(*(set(table) for table in tables))) if tables else []
    values = np.array([[table[step] for step in shared] for table in tables], dtype=float)
    masked = np.ma.masked_invalid(values.reshape(max(len(tables), 1), len(shared)))
    return Band(
        np.array(shared, dtype=np.int64),
        masked.mean(axis=0).filled(math.nan),
        masked.min(axis=0).filled(math.nan),
        masked.max(axis=0).filled(math.nan),
    )
