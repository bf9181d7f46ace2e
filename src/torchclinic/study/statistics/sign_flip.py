"""The sign-flip permutation test of paired differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from torchclinic.study.statistics.sample import ROUNDING, Differences, checked, scaled

EXACT_UP_TO = 20  # pairs; 2^19 sums take about 3 ms and 4 MB
RESAMPLES = 99_999  # beyond that; p is then known to about 0.0007 near 0.05
_ROWS_AT_ONCE = 10_000


def sign_flip_p(differences: Differences, *, resamples: int = RESAMPLES, seed: int = 0) -> float:
    r"""Two-sided p-value of the mean of paired differences under random flips of their signs.

    Were the two arms alike, each difference could as well have had the other sign:
    p = #{s in {-1, 1}^n : |sum s_i d_i| >= |sum d_i|} / 2^n. All 2^n flips are counted up to 20
    pairs; beyond, p = (1 + hits) / (1 + resamples) over random flips, which never understates.
    With n pairs p cannot be below 2 / 2^n, so fewer than 6 pairs can never reach 0.05.

    Args:
        differences: after - before, one a seed. Zeros count as they are.
        resamples: Random flips when there are more than 20 pairs.
        seed: Of the generator that draws them.

    Returns:
        A probability in (0, 1]; 1 for a single pair or for differences that are all zero.

    Raises:
        UsageError: When there are no differences, or one is NaN or infinite.

    Source:
        Fisher, The Design of Experiments (1935), section 21; Phipson and Smyth (2010),
        doi:10.2202/1544-6115.1585, for the added one.

    >>> sign_flip_p([0.2, 0.1, 0.3, 0.2, 0.1, 0.4])
    0.03125
    """
    unit, _ = scaled(checked(differences))
    observed = abs(float(unit.sum())) - ROUNDING * unit.size
    if unit.size <= EXACT_UP_TO:
        sums = _all_sums(unit)
        return float(np.count_nonzero(np.abs(sums) >= observed) / sums.size)
    hits = _random_hits(unit, observed, resamples, np.random.default_rng(seed))
    return (1 + hits) / (1 + resamples)


def _all_sums(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of all flips that leave the first sign alone; the others mirror them."""
    sums = unit[:1]
    for difference in unit[1:]:
        sums = np.concatenate((sums + difference, sums - difference))
    return sums


def _random_hits(
    unit: NDArray[np.float64], observed: float, resamples: int, generator: np.random.Generator
) -> int:
    hits = 0
    for start in range(0, resamples, _ROWS_AT_ONCE):
        rows = min(_ROWS_AT_ONCE, resamples - start)
        signs = generator.integers(0, 2, size=(rows, unit.size), dtype=np.int8)
        sums = (2.0 * signs - 1.0) @ unit
        hits += int(np.count_nonzero(np.abs(sums) >= observed))
    return hits
