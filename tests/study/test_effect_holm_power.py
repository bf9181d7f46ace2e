import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.core import UsageError
from torchclinic.study import (
    effect_size,
    fewest_seeds,
    holm,
    seeds_needed,
    sign_flip_p,
    superiority,
)

shares = st.floats(0, 1)


def test_effect_size_is_mean_over_deviation():
    sample = np.random.default_rng(0).normal(1, 2, 12)
    assert effect_size(sample) == pytest.approx(sample.mean() / sample.std(ddof=1))
    assert effect_size(1e300 * sample) == pytest.approx(effect_size(sample))


@pytest.mark.parametrize(
    ("sample", "expected"),
    [([0.5] * 3, math.inf), ([-0.5] * 3, -math.inf), ([0.0] * 3, 0.0), ([1.0, -1.0], 0.0)],
)
def test_effect_size_of_degenerate_samples(sample, expected):
    assert effect_size(sample) == expected


def test_effect_size_of_one_pair_is_unknown():
    assert math.isnan(effect_size([0.3]))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_superiority_counts_pairs(pairs):
    before, after = zip(*pairs, strict=True)
    wins = sum((b > a) + 0.5 * (b == a) for a, b in pairs) / len(pairs)
    assert superiority(before, after) == pytest.approx(wins)
    assert superiority(before, after, higher_is_better=False) == pytest.approx(1 - wins)


def test_superiority_needs_pairs():
    with pytest.raises(UsageError, match="2 scores before and 1 after"):
        superiority([1, 2], [1])


def naive_holm_rejects(p_values, level):
    """Holm's procedure as he wrote it: reject in order until one is too large."""
    rejected = set()
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] * (len(p_values) - rank) > level:
            break
        rejected.add(index)
    return rejected


@given(st.lists(shares, max_size=8), st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_as_the_procedure_does(p_values, level):
    adjusted = holm(p_values)
    assert {i for i, p in enumerate(adjusted) if p <= level} == naive_holm_rejects(p_values, level)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))


@pytest.mark.parametrize("bad", [math.nan, -0.1, 1.1])
def test_holm_refuses_what_is_no_probability(bad):
    with pytest.raises(UsageError):
        holm([0.1, bad])


@pytest.mark.parametrize(("confidence", "pairs"), [(0.9, 5), (0.95, 6), (0.99, 8), (0.999, 11)])
def test_fewest_seeds(confidence, pairs):
    assert fewest_seeds(confidence) == pairs
    assert sign_flip_p([1.0] * pairs) < 1 - confidence <= sign_flip_p([1.0] * (pairs - 1))


@pytest.mark.parametrize("effect", [0.6, 1.0, 1.5, 2.0])
def test_seeds_needed_reach_the_power(effect):
    pairs = seeds_needed(effect, 1.0)
    generator = np.random.default_rng(pairs)
    found = [
        sign_flip_p(generator.normal(effect, 1, pairs), resamples=1_999) < 0.05 for _ in range(600)
    ]
    assert 0.75 <= np.mean(found) <= 0.92


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_needed_against_published_tables(effect, pairs):
    """G*Power 3.1, two dependent means, two-sided 0.05, power 0.8."""
    assert seeds_needed(effect, 1.0) == pairs


@given(st.floats(1e-3, 10), st.floats(1e-3, 10))
def test_fewer_seeds_for_larger_effects(difference, std):
    needed = seeds_needed(difference, std)
    if needed is not None:
        assert (seeds_needed(2 * difference, std) or 0) <= needed
        assert seeds_needed(-difference, std) == needed
        assert needed >= 6


def test_seeds_needed_of_nothing_and_of_certainty():
    assert seeds_needed(0.0, 1.0) is None
    assert seeds_needed(1e-9, 1.0) is None
    assert seeds_needed(1e-300, 1e300) is None
    assert seeds_needed(0.1, 0.0) == 6


@pytest.mark.parametrize("bad", [(math.nan, 1.0), (1.0, math.inf), (1.0, -1.0)])
def test_seeds_needed_refuses_senseless_input(bad):
    with pytest.raises(UsageError):
        seeds_needed(*bad)
