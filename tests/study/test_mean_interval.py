import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from torchclinic.core import UsageError
from torchclinic.study import fewest_seeds, mean_interval, sign_flip_p

samples = st.lists(st.integers(-60, 60).map(lambda k: k / 8), min_size=2, max_size=10)


def naive(values, confidence=0.95):
    """Subset means by itertools, sorted."""
    means = sorted(
        np.mean(chosen) for k in range(1, len(values) + 1) for chosen in combinations(values, k)
    )
    k = math.floor((1 - confidence) / 2 * 2 ** len(values))
    return means[k - 1], means[-k]


@settings(max_examples=60)
@given(st.lists(st.floats(-10, 10).map(lambda x: round(x, 3)), min_size=6, max_size=9))
def test_ends_are_subset_means(values):
    if len(set(values)) > 1:
        assert mean_interval(values) == pytest.approx(naive(values), abs=1e-9)


@settings(max_examples=100)
@given(samples)
def test_excludes_zero_exactly_when_the_test_rejects(values):
    if len(values) < fewest_seeds() or not any(values) or len(set(values)) == 1:
        return
    low, high = mean_interval(values)
    rejected = sign_flip_p(values) <= 0.05
    assert rejected == (low > 1e-9 or high < -1e-9)


@settings(max_examples=60)
@given(samples, st.sampled_from([1e-200, 0.01, 1e150]), st.integers(-3, 3))
def test_follows_unit_and_origin(values, unit, shift):
    low, high = mean_interval(values)
    assert mean_interval([unit * v for v in values]) == pytest.approx(
        (unit * low, unit * high), rel=1e-6, abs=1e-9 * unit
    )
    moved = mean_interval([v + shift for v in values])
    assert moved == pytest.approx((low + shift, high + shift), abs=1e-9)
    mirrored = mean_interval([-v for v in values])
    assert mirrored == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize("pairs", [2, 3, 5])
def test_is_students_where_the_test_can_reject_nothing(pairs):
    values = np.random.default_rng(pairs).normal(size=pairs)
    spread = values.std(ddof=1) / math.sqrt(pairs)
    expected = student.interval(0.95, pairs - 1, loc=values.mean(), scale=spread)
    assert mean_interval(values) == pytest.approx(expected)


def test_random_subsets_agree_with_all_of_them():
    values = np.random.default_rng(3).normal(size=19)
    low, high = mean_interval(values)
    spread = values.std(ddof=1) / math.sqrt(19)
    expected = student.interval(0.95, 18, loc=values.mean(), scale=spread)
    assert (low, high) == pytest.approx(expected, abs=0.25 * spread)
    assert mean_interval(values) == (low, high)


def test_degenerate_samples():
    assert mean_interval([0.3]) == (-math.inf, math.inf)
    assert mean_interval([0.3] * 8) == (0.3, 0.3)
    for bad in ([], [math.nan, 1.0]):
        with pytest.raises(UsageError):
            mean_interval(bad)
    with pytest.raises(UsageError, match="95"):
        mean_interval([1.0, 2.0], confidence=95)


def exact(pairs):
    """Coverage for any symmetric scatter; Student's is 0.95 for the normal."""
    if pairs < fewest_seeds():
        return 0.95
    return 1 - 2 * math.floor(0.025 * 2**pairs) / 2**pairs


DRAWS = {
    "normal": lambda g, n: g.normal(3, 2, n),
    "uniform": lambda g, n: g.uniform(2, 4, n),
    "heavy tails": lambda g, n: 3 + g.standard_t(3, n),
    "two humps": lambda g, n: 3 + g.choice([-1, 1], n) + g.normal(0, 0.1, n),
}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("pairs", [6, 8, 10])
def test_95_percent_means_93_to_97(pairs, draw):
    generator, trials = np.random.default_rng(pairs), 1_500
    ends = [mean_interval(DRAWS[draw](generator, pairs)) for _ in range(trials)]
    covered = np.mean([low <= 3 <= high for low, high in ends])
    assert 0.93 <= exact(pairs) <= 0.97
    assert abs(covered - exact(pairs)) <= 4 * math.sqrt(0.05 * 0.95 / trials)


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("pairs", [6, 7, 8, 10, 12, 15, 20])
def test_95_percent_means_93_to_97_over_many_trials(pairs, draw):
    generator, trials = np.random.default_rng(pairs), 4_000 if pairs < 20 else 1_500
    ends = [mean_interval(DRAWS[draw](generator, pairs)) for _ in range(trials)]
    covered = np.mean([low <= 3 <= high for low, high in ends])
    assert 0.93 <= covered <= 0.975  # 6 pairs: exactly 0.969


@pytest.mark.parametrize("pairs", [3, 4, 5])
def test_students_part_covers_normal_values(pairs):
    generator, trials = np.random.default_rng(pairs), 1_500
    ends = [mean_interval(generator.normal(3, 2, pairs)) for _ in range(trials)]
    covered = np.mean([low <= 3 <= high for low, high in ends])
    assert abs(covered - 0.95) <= 4 * math.sqrt(0.05 * 0.95 / trials)
