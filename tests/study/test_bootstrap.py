import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from torchclinic.core import UsageError
from torchclinic.study import bca_interval

samples = st.lists(st.integers(-50, 50).map(lambda k: k / 4), min_size=2, max_size=12)


@pytest.mark.parametrize("pairs", [6, 10, 30])
@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_agrees_with_scipy(pairs, draw):
    sample = getattr(np.random.default_rng(pairs), draw)(size=pairs)
    theirs = bootstrap(
        (sample,), np.mean, method="BCa", n_resamples=100_000, rng=np.random.default_rng(1)
    ).confidence_interval
    ours = bca_interval(sample, resamples=100_000, expanded=False)
    width = theirs.high - theirs.low
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.02 * width)


@settings(max_examples=50)
@given(samples)
def test_lies_around_the_mean_within_the_sample(values):
    low, high = bca_interval(values, resamples=999)
    middle = float(np.mean(values))
    assert min(values) - 1e-9 <= low <= middle + 1e-9
    assert middle - 1e-9 <= high <= max(values) + 1e-9


@settings(max_examples=50)
@given(samples)
def test_expansion_only_widens(values):
    low, high = bca_interval(values, resamples=999)
    plain_low, plain_high = bca_interval(values, resamples=999, expanded=False)
    assert low <= plain_low
    assert high >= plain_high


@settings(max_examples=50)
@given(samples, st.sampled_from([1e-200, 0.001, 1.0, 1e200]))
def test_follows_the_unit(values, unit):
    low, high = bca_interval(values, resamples=499)
    scaled = bca_interval([unit * value for value in values], resamples=499)
    assert scaled == pytest.approx((unit * low, unit * high), rel=1e-6)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 50).map(float), min_size=2, max_size=12))
def test_excludes_zero_when_all_differences_have_one_sign(values):
    assert bca_interval(values, resamples=999)[0] > 0


def test_degenerate_samples():
    assert bca_interval([0.25]) == (-math.inf, math.inf)
    assert bca_interval([0.5] * 6) == (0.5, 0.5)
    assert bca_interval([0.1 + 0.2, 0.3, 0.3]) == pytest.approx((0.3, 0.3))
    assert bca_interval([0.0] * 6) == (0.0, 0.0)
    low, high = bca_interval([1.0, 3.0])
    assert 1.0 <= low <= 2.0 <= high <= 3.0


def test_the_seed_decides_and_confidence_widens():
    sample = np.random.default_rng(0).normal(size=8)
    assert bca_interval(sample, seed=3) == bca_interval(sample, seed=3)
    narrow, wide = bca_interval(sample, confidence=0.8), bca_interval(sample, confidence=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_leaves_the_global_generator_alone():
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    bca_interval([0.1, 0.2, 0.4])
    assert np.random.random() == expected


@pytest.mark.parametrize("bad", [[], [math.nan, 1.0]])
def test_refuses_what_has_no_mean(bad):
    with pytest.raises(UsageError):
        bca_interval(bad)


def test_refuses_a_confidence_that_is_no_share():
    with pytest.raises(UsageError, match="95"):
        bca_interval([1.0, 2.0], confidence=95)


def coverage(pairs, trials, draw, truth):
    generator = np.random.default_rng(pairs)
    inside = 0
    for trial in range(trials):
        low, high = bca_interval(draw(generator, pairs), resamples=999, seed=trial)
        inside += low <= truth <= high
    return inside / trials


def test_covers_the_truth():
    assert coverage(8, 600, lambda g, n: g.normal(1, 1, n), 1.0) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pairs", "draw", "truth", "least"),
    [
        (6, lambda g, n: g.normal(1, 1, n), 1.0, 0.915),
        (8, lambda g, n: g.normal(1, 1, n), 1.0, 0.925),
        (10, lambda g, n: g.normal(1, 1, n), 1.0, 0.93),
        (6, lambda g, n: g.uniform(0, 1, n), 0.5, 0.925),
        (10, lambda g, n: g.exponential(1, n), 1.0, 0.90),
        (20, lambda g, n: g.exponential(1, n), 1.0, 0.92),
    ],
)
def test_covers_the_truth_over_many_trials(pairs, draw, truth, least):
    assert coverage(pairs, 4_000, draw, truth) >= least
