import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from torchclinic.core import UsageError
from torchclinic.study import sign_flip_p

differences = st.lists(st.integers(-1000, 1000).map(lambda k: k / 8), min_size=1, max_size=9)


def naive_p(values):
    """Counts in exact integers: differences are eighths."""
    units = [round(8 * value) for value in values]
    observed = abs(sum(units))
    flips = itertools.product((-1, 1), repeat=len(units))
    sums = [abs(sum(s * u for s, u in zip(flip, units, strict=True))) for flip in flips]
    return sum(total >= observed for total in sums) / len(sums)


@given(differences)
def test_counts_all_flips(values):
    assert sign_flip_p(values) == naive_p(values)


@pytest.mark.parametrize("pairs", [3, 6, 8])
def test_agrees_with_scipy(pairs):
    sample = np.random.default_rng(pairs).normal(0.4, 1, pairs)
    theirs = permutation_test(
        (sample,), np.mean, permutation_type="samples", alternative="two-sided", n_resamples=10**9
    )
    assert sign_flip_p(sample) == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize(("pairs", "p"), [(1, 1.0), (5, 2 / 32), (6, 2 / 64), (10, 2 / 1024)])
def test_smallest_p_is_two_over_two_to_the_n(pairs, p):
    assert sign_flip_p([0.1 * (k + 1) for k in range(pairs)]) == p


@given(differences, st.floats(1e-300, 1e300), st.randoms(use_true_random=False))
def test_unit_sign_and_order_do_not_matter(values, unit, random):
    shuffled = [-unit * value for value in values]
    random.shuffle(shuffled)
    assert sign_flip_p(shuffled) == sign_flip_p(values)


def test_rounding_does_not_break_a_tie():
    # 0.1 + 0.2 - 0.3 is 5.6e-17, not 0: all but two flips tie with or exceed nothing
    assert sign_flip_p([0.1, 0.2, -0.3]) == 1.0
    assert sign_flip_p([0.3, -0.1, -0.2]) == 1.0


def test_zeros_only_are_no_difference():
    assert sign_flip_p([0.0] * 6) == 1.0
    assert sign_flip_p([0.0] * 30) == 1.0


def test_random_flips_agree_with_exact_counting():
    from torchclinic.study.statistics import sign_flip

    sample = np.random.default_rng(3).normal(0.8, 1, 18)
    unit = sample / np.abs(sample).max()
    exact = sign_flip_p(sample)
    hits = sign_flip._random_hits(unit, abs(unit.sum()), 40_000, np.random.default_rng(0))
    spread = math.sqrt(exact * (1 - exact) / 40_000)
    assert 0.005 < exact < 0.2
    assert hits / 40_000 == pytest.approx(exact, abs=4 * spread)


def test_many_pairs_are_reproducible_and_never_zero():
    sample = [1.0] * 40
    assert sign_flip_p(sample, resamples=999) == sign_flip_p(sample, resamples=999) == 1 / 1000


@pytest.mark.parametrize("bad", [[], [0.1, math.nan], [math.inf, 0.1]])
def test_refuses_what_has_no_mean(bad):
    with pytest.raises(UsageError):
        sign_flip_p(bad)


def false_alarms(pairs, trials, draw):
    generator = np.random.default_rng(pairs)
    return sum(sign_flip_p(draw(generator, pairs)) < 0.05 for _ in range(trials)) / trials


DRAWS = {
    "normal": lambda generator, n: generator.normal(size=n),
    "heavy tails": lambda generator, n: generator.standard_t(2, n),
    "two lumps": lambda generator, n: (
        generator.choice([-1.0, 1.0], n) + generator.normal(0, 0.1, n)
    ),
    "coarse": lambda generator, n: generator.integers(-2, 3, n) / 360,
}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("pairs", [6, 8])
def test_false_alarms_stay_below_the_level(pairs, draw):
    # at a true rate of 0.05 more than 0.068 in 1,500 trials has probability 0.001
    assert false_alarms(pairs, 1_500, DRAWS[draw]) <= 0.068


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("pairs", [6, 7, 8, 9, 10])
def test_false_alarms_stay_below_the_level_over_many_trials(pairs, draw):
    assert false_alarms(pairs, 40_000, DRAWS[draw]) <= 0.05 + 3.1 * math.sqrt(0.05 * 0.95 / 40_000)
