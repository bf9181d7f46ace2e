"""Wilcoxon's signed-rank test, the second opinion on a paired difference."""

from __future__ import annotations

from typing import Any

import numpy as np

from torchclinic.study.statistics.sample import ROUNDING, Differences, checked, scaled

EXACT_UP_TO = 13  # pairs; where ties or zeros rule out the table, 2^13 flips are counted
_TABLE_UP_TO = 50  # pairs; beyond, scipy's normal approximation is off by less than 0.001


def wilcoxon_p(differences: Differences) -> float:
    r"""Two-sided p-value of Wilcoxon's signed-rank test.

    The statistic is the sum of the ranks of \|d_i\| over the positive differences. It looks at the
    order of the differences only, so that one outlying seed cannot decide it. Zeros are ranked and
    then left out (Pratt). Exact up to 50 pairs without ties, and up to 13 with them; else the
    normal approximation with a continuity correction.

    Args:
        differences: after - before, one a seed.

    Returns:
        A probability in (0, 1]; 1 for differences that are all zero.

    Raises:
        UsageError: When there are no differences or one is not finite.

    Source:
        Wilcoxon (1945), doi:10.2307/3001968; Pratt (1959), doi:10.1080/01621459.1959.10501526.

    >>> wilcoxon_p([0.2, 0.1, 0.3, 0.25, 0.15, 0.4])
    0.03125
    """
    from scipy.stats import PermutationMethod, wilcoxon

    unit, _ = scaled(checked(differences))
    rounded = np.round(unit / ROUNDING) * ROUNDING  # so that equal differences tie
    if not rounded.any():
        return 1.0
    if rounded.size == 1:
        return 1.0
    plain = np.unique(np.abs(rounded)).size == rounded.size and rounded.all()
    method: Any = "asymptotic"
    if plain and rounded.size <= _TABLE_UP_TO:
        method = "exact"
    elif rounded.size <= EXACT_UP_TO:
        method = PermutationMethod(n_resamples=2**EXACT_UP_TO)
    found: Any = wilcoxon(rounded, zero_method="pratt", correction=True, method=method)
    return float(min(1.0, found.pvalue))
