"""Feature by feature: by how much two samples differ, and whether by chance."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from torchclinic.core import DataError
from torchclinic.functional.holm import holm_adjusted

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureShift:
    """One feature in two samples.

    Attributes:
        name: Its name or number.
        difference: Standardised difference of the means, second less first.
        ks: Kolmogorov-Smirnov statistic: largest distance of the two distribution functions.
        p_value: Of the two-sample Kolmogorov-Smirnov test.
        adjusted: The same, corrected for the number of features by Holm.
    """

    name: str
    difference: float
    ks: float
    p_value: float
    adjusted: float


def standardised_difference(first: Floats, second: Floats) -> float:
    r"""Difference of the means over the pooled standard deviation.

    $d = \frac{\bar b - \bar a}{\sqrt{(s_a^2 + s_b^2) / 2}}$, with divisors n - 1.

    **Units**: standard deviations; 0.1 is taken for negligible, 0.2 small, 0.8 large. Infinite
    between two different constants.

    Source: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 2;
    Austin 2009, doi 10.1002/sim.3697, for 0.1.

    >>> standardised_difference(np.array([0.0, 2.0]), np.array([1.0, 3.0]))
    0.7071067811865475
    """
    gap = float(second.mean() - first.mean())
    variances = [float(part.var(ddof=1)) if part.size > 1 else 0.0 for part in (first, second)]
    spread = math.sqrt(sum(variances) / 2)
    if spread == 0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / spread


def compare_features(
    first: Floats, second: Floats, names: Sequence[str]
) -> tuple[FeatureShift, ...]:
    """Every feature of two samples; elements that are not finite are left out.

    **Shape**: (rows, features) each.

    Raises:
        DataError: If a feature has no finite element in a sample.
    """
    from scipy.stats import ks_2samp

    found: list[tuple[float, float, float]] = []
    for column, name in enumerate(names):
        a, b = _finite(first[:, column], name), _finite(second[:, column], name)
        with warnings.catch_warnings():  # where the exact p comes out above 1
            warnings.simplefilter("ignore", RuntimeWarning)
            test: Any = ks_2samp(a, b)
        found.append((standardised_difference(a, b), float(test.statistic), float(test.pvalue)))
    adjusted = holm_adjusted([p for _, _, p in found])
    return tuple(
        FeatureShift(name, difference, ks, p, float(corrected))
        for name, (difference, ks, p), corrected in zip(names, found, adjusted, strict=True)
    )


def _finite(values: Floats, name: str) -> Floats:
    kept = values[np.isfinite(values)]
    if not kept.size:
        raise DataError(f"feature {name} has no finite value in one of the data sets")
    return kept
