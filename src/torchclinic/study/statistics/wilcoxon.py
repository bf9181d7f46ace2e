"""Wilcoxon's signed-rank test, the second opinion on a paired difference."""

from __future__ import annotations

from typing import Any

import numpy as np

from torchclinic.study.statistics.sample import ROUNDING, Differences, checked, scaled
from torchclinic.study.statistics.sign_flip import EXACT_UP_TO, sign_flip_p

_TABLE_UP_TO = 50  # pairs; beyond, scipy's normal approximation is off by less than 0.002


def wilcoxon_p(differences: Differences) -> float:
    r"""Two-sided p-value of Wilcoxon's signed-rank test.

    The statistic is the sum of the ranks of \|d_i\| over the positive differences. It looks at the
    order of the differences only, so that one outlying seed cannot decide it. Zeros are ranked and
    then left out (Pratt). Up to 20 pairs all flips of the signed ranks are counted, which is exact
    with ties, too; up to 50 pairs without ties scipy's table is exact; else the normal
    approximation with a continuity correction is taken.

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
    from scipy.stats import rankdata, wilcoxon

    unit, _ = scaled(checked(differences))
    rounded = np.round(unit / ROUNDING) * ROUNDING  # so that equal differences tie
    if rounded.size <= EXACT_UP_TO or not rounded.any():
        return sign_flip_p(np.sign(rounded) * rankdata(np.abs(rounded)))
    plain = np.unique(np.abs(rounded)).size == rounded.size and rounded.all()
    method = "exact" if plain and rounded.size <= _TABLE_UP_TO else "asymptotic"
    found: Any = wilcoxon(rounded, zero_method="pratt", correction=True, method=method)
    return float(min(1.0, found.pvalue))
