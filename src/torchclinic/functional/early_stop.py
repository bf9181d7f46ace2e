"""Prechelt's criteria: has a validation curve turned?"""

from __future__ import annotations

import math
from collections.abc import Sequence


def generalisation_loss(validation: Sequence[float]) -> float:
    r"""$GL = E_{va}(t) / \min_{t' \le t} E_{va}(t') - 1$: how far above its best the last value is.

    Returns:
        A share (0.05 is 5 %); NaN without finite values or where the best is not positive.

    Source: Prechelt 1998, "Early Stopping - But When?", doi 10.1007/3-540-49430-8_3, equation 2.

    >>> generalisation_loss([1.0, 0.5, 0.75])
    0.5
    """
    kept = [value for value in validation if math.isfinite(value)]
    if not kept or min(kept) <= 0:
        return math.nan
    return kept[-1] / min(kept) - 1.0


def rises_in_a_row(validation: Sequence[float]) -> int:
    """How many of the newest values are each above the one before: k of Prechelt's UP_k.

    >>> rises_in_a_row([1.0, 0.5, 0.6, 0.7])
    2
    """
    count = 0
    for before, after in zip(reversed(validation[:-1]), reversed(validation[1:]), strict=False):
        if not after > before:
            break
        count += 1
    return count
