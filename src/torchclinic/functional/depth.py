"""How a quantity changes from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchclinic.functional.slope import theil_sen


def first_over_last(profile: Sequence[float]) -> float:
    """First value over last; NaN without two values or where the last is 0 or not finite.

    >>> first_over_last([0.001, 0.1, 1.0])
    0.001
    """
    if len(profile) < 2 or not profile[-1] > 0 or not math.isfinite(profile[-1]):
        return math.nan
    return profile[0] / profile[-1]


def factor_per_layer(ratio: float, layers: int) -> float:
    r"""Geometric mean factor $r^{1/(L-1)}$ by which a quantity changes from one layer to the next.

    Args:
        ratio: First layer over last.
        layers: Number of layers L.

    Returns:
        NaN for fewer than two layers or a negative ratio.

    Source: Glorot & Bengio 2010, section 4.2: variance is multiplied layer by layer.

    >>> round(factor_per_layer(1e-3, 4), 3)
    0.1
    """
    if layers < 2 or not ratio >= 0:
        return math.nan
    return ratio ** (1.0 / (layers - 1))


def decades_per_layer(profile: Sequence[float]) -> float:
    """Robust slope of log10(value) against the layer's number; values of 0 are left out.

    Returns:
        NaN when fewer than two positive values remain.

    >>> decades_per_layer([1.0, 10.0, 100.0])
    1.0
    """
    points = [
        (float(i), math.log10(v)) for i, v in enumerate(profile) if v > 0 and math.isfinite(v)
    ]
    fitted = theil_sen([x for x, _ in points], [y for _, y in points])
    return fitted.value if fitted else math.nan


def spread(profile: Sequence[float]) -> float:
    """Largest over smallest value; inf when one is 0; NaN without two finite values.

    >>> spread([0.5, 2.0, 1.0])
    4.0
    """
    kept = [value for value in profile if math.isfinite(value) and value >= 0]
    if len(kept) < 2 or max(kept) == 0:
        return math.nan
    smallest = min(kept)
    return max(kept) / smallest if smallest > 0 else math.inf
