"""How many seeds a comparison needs."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from torchclinic.core import UsageError
from torchclinic.study.statistics.sample import ROUNDING

MOST_SEEDS = 1_000_000  # beyond this the answer is "no number of seeds will do"
_EXACT_BELOW = 200  # pairs; above, the normal approximation is off by less than one pair
_COARSE_UP_TO = 12  # pairs; so few flips that the test is clearly weaker than Student's
_COARSE_ABOVE_FEWEST = 3  # pairs above the fewest for a stricter level, for the same reason
_SIMULATED_UP_TO = 18  # pairs; 2^17 flips of 2,000 experiments take about a second
_TRIALS = 2_000
_SUMS_AT_ONCE = 4_000_000
_STEPS_OF_SEARCH = 14  # halvings; the effect is then known to three digits


def fewest_seeds(confidence: float = 0.95) -> int:
    """Fewest pairs with which a two-sided sign-flip test can reach the level at all.

    The smallest n with 2 / 2^n < 1 - confidence.

    Args:
        confidence: One minus the level of the test, in (0, 1).

    Returns:
        A number of pairs.

    Raises:
        UsageError: When `confidence` is not in (0, 1).

    >>> fewest_seeds(0.95)
    6
    """
    _check_share("confidence", confidence)
    pairs = 1
    while 2.0 ** (1 - pairs) >= 1 - confidence:
        pairs += 1
    return pairs


def seeds_needed(
    difference: float, std: float, *, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """Pairs with which a true difference of this size is found with probability `power`.

    Reckoned for normal differences and the paired t-test, whose power the sign-flip test shares
    closely; up to 12 pairs, where its few flips cost it power, the sign-flip test itself is
    simulated with a fixed seed. Never below `fewest_seeds`.

    Args:
        difference: Mean of after - before, in the metric's unit.
        std: Standard deviation of the differences between seeds, in the same unit.
        confidence: One minus the level of the two-sided test.
        power: Probability of finding the difference.

    Returns:
        A number of pairs; None when no number up to a million will do (a difference of zero).

    Raises:
        UsageError: When `difference` or `std` is not finite, `std` is negative, or a share is
            not in (0, 1).

    Source:
        Cohen, Statistical Power Analysis (1988), section 2.4; Guenther (1981),
        doi:10.2307/2683991, for the approximation in large samples.

    >>> seeds_needed(0.5, 1.0)
    34
    """
    if not (math.isfinite(difference) and math.isfinite(std) and std >= 0):
        raise UsageError(
            f"difference {difference!r} with standard deviation {std!r}",
            hint="both finite, the deviation not negative",
        )
    _check_share("confidence", confidence)
    _check_share("power", power)
    if difference == 0:
        return None
    if std == 0:
        return fewest_seeds(confidence)
    effect = abs(difference / std)
    pairs = _large_sample_pairs(effect, confidence, power)
    if pairs < _EXACT_BELOW:
        pairs = _t_test_pairs(effect, confidence, power)
    fewest = fewest_seeds(confidence)
    coarse = min(max(_COARSE_UP_TO, fewest + _COARSE_ABOVE_FEWEST), _SIMULATED_UP_TO)
    pairs = max(pairs, fewest)
    while pairs <= coarse and _sign_flip_power(effect, int(pairs), confidence) < power:
        pairs += 1
    return int(pairs) if pairs <= MOST_SEEDS else None


@cache
def detectable_effect(pairs: int, *, confidence: float = 0.95, power: float = 0.8) -> float:
    """Smallest effect that so many pairs find with probability `power`.

    The inverse of `seeds_needed`: the d_z for which it asks for no more than `pairs`.

    Args:
        pairs: Seeds that both arms have.
        confidence: One minus the level of the two-sided test.
        power: Probability of finding the difference.

    Returns:
        Mean difference over the standard deviation of the differences; infinite when so few pairs
        can never reach the level.

    Raises:
        UsageError: When `pairs` is below 1, or a share is not in (0, 1).

    >>> round(detectable_effect(10), 1)
    1.0
    >>> detectable_effect(5)
    inf
    """
    if pairs < 1:
        raise UsageError(f"pairs is {pairs!r}", hint="1 or more")
    if pairs < fewest_seeds(confidence):
        return math.inf
    low, high = math.log(1e-3), math.log(100.0)
    for _ in range(_STEPS_OF_SEARCH):
        middle = (low + high) / 2
        needed = seeds_needed(math.exp(middle), 1.0, confidence=confidence, power=power)
        enough = needed is not None and needed <= pairs
        low, high = (low, middle) if enough else (middle, high)
    return math.exp(high)


def _large_sample_pairs(effect: float, confidence: float, power: float) -> float:
    from scipy.special import ndtri

    level, target = ndtri(0.5 + confidence / 2), ndtri(power)
    with_effect = (level + target) / effect if effect > 1e-150 else math.inf
    return math.ceil(with_effect**2 + level**2 / 2) if with_effect < 1e6 else math.inf


def _t_test_pairs(effect: float, confidence: float, power: float) -> int:
    """Smallest n whose non-central t puts `power` beyond the critical value."""
    from scipy.special import nctdtr, stdtrit

    for pairs in range(2, 2 * _EXACT_BELOW):
        critical = stdtrit(pairs - 1, 0.5 + confidence / 2)
        if 1 - nctdtr(pairs - 1, effect * math.sqrt(pairs), critical) >= power:
            return pairs
    return 2 * _EXACT_BELOW


@cache
def _sign_flip_power(effect: float, pairs: int, confidence: float) -> float:
    """Share of simulated experiments in which the sign-flip p is below the level."""
    draws = np.random.default_rng(0).normal(effect, 1, size=(_TRIALS, pairs))
    later_signs = np.indices((2,) * (pairs - 1)).reshape(pairs - 1, -1) * 2.0 - 1.0
    signs = np.vstack((np.ones(later_signs.shape[1]), later_signs))
    rows = max(1, _SUMS_AT_ONCE // signs.shape[1])
    found = 0
    for start in range(0, _TRIALS, rows):
        part = draws[start : start + rows]
        sums, observed = np.abs(part @ signs), np.abs(part.sum(axis=1, keepdims=True))
        p_values = np.mean(sums >= observed - ROUNDING, axis=1)
        found += int(np.count_nonzero(p_values < 1 - confidence))
    return found / _TRIALS


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise UsageError(f"{name} is {value!r}", hint="a share between 0 and 1, such as 0.8")
