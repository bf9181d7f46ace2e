import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.core import UsageError
from torchclinic.study import paired_comparison
from torchclinic.study.statistics.diverged import stand_in

NAN, INF = math.nan, math.inf
scores = st.floats(0, 1, allow_subnormal=False).map(lambda x: round(x, 3))


def compare(before, after, *, higher=True, **options):
    return paired_comparison(
        before, after, seeds=range(len(before)), metric="score", higher_is_better=higher, **options
    )


@settings(max_examples=50)
@given(st.lists(st.tuples(scores, scores), min_size=2, max_size=8))
def test_swapping_the_arms_mirrors_the_comparison(pairs):
    before, after = zip(*pairs, strict=True)
    there, back = compare(before, after), compare(after, before)
    assert there.mean_difference == pytest.approx(-back.mean_difference)
    assert there.p_value == back.p_value
    assert there.superiority == pytest.approx(1 - back.superiority)
    assert there.mean_difference == pytest.approx(np.subtract(after, before).mean())


def test_better_needs_six_seeds():
    assert not compare([0.1] * 5, [0.9] * 5).better
    assert compare([0.1] * 6, [0.9] * 6).better
    assert not compare([0.1] * 6, [0.9] * 6, higher=False).better


def test_same_scores_are_no_difference():
    same = compare([0.3, 0.5, 0.4], [0.3, 0.5, 0.4])
    assert (same.mean_difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert same.superiority == 0.5
    assert not same.better


def test_a_diverged_loss_counts_as_worse_than_any_seen():
    c = compare([NAN] * 6, [0.1, 0.2, 0.1, 0.15, 0.12, 0.11], higher=False)
    assert c.before == pytest.approx((0.3,) * 6)
    assert c.better
    assert c.diverged == (6, 0)


def test_a_diverged_run_counts_as_chance_where_it_is_known():
    c = compare([INF, 0.5], [0.9, 0.8], chance=0.1)
    assert c.before == (0.1, 0.5)
    assert compare([NAN, 0.05], [0.9, 0.8], chance=0.1).before == (0.05, 0.05)


def test_two_diverged_runs_of_a_seed_tie():
    c = compare([NAN, 0.5, 0.5], [NAN, 0.6, 0.6])
    assert c.before[0] == c.after[0]
    assert c.superiority == pytest.approx((0.5 + 2) / 3)


def test_a_repair_that_diverges_once_is_not_better():
    after = [0.9, 0.91, 0.92, 0.9, 0.93, NAN]
    assert not compare([0.5] * 6, after).better


def test_nothing_finite_at_all_is_a_tie():
    c = compare([NAN] * 6, [INF] * 6)
    assert (c.mean_difference, c.p_value, c.superiority, c.better) == (0, 1, 0.5, False)
    assert compare([NAN] * 6, [NAN] * 6, chance=0.1).before == (0.1,) * 6


def test_overflowing_scores_have_diverged():
    c = compare([1e308] * 6, [1e-3] * 6, higher=False)
    assert math.isfinite(c.mean_difference)
    assert c.better


@given(st.lists(scores, min_size=1, max_size=6), st.booleans())
def test_a_diverged_run_is_never_better_than_one_that_is_not(finite, higher):
    worst = stand_in([*finite, NAN], higher_is_better=higher)
    assert all(worst <= score if higher else worst >= score for score in finite)


@given(st.lists(scores, min_size=1, max_size=6), st.booleans(), st.sampled_from([0.5, 4.0]))
def test_what_it_counts_as_follows_the_unit(finite, higher, unit):
    scaled = stand_in([unit * score for score in finite], higher_is_better=higher)
    plain = stand_in(finite, higher_is_better=higher)
    if any(finite):
        assert scaled == pytest.approx(unit * plain)


@pytest.mark.parametrize(
    ("before", "after", "seeds"),
    [([1.0], [1.0, 2.0], [0]), ([], [], []), ([1.0, 2.0], [1.0, 2.0], [0, 0])],
)
def test_refuses_what_is_not_paired(before, after, seeds):
    with pytest.raises(UsageError):
        paired_comparison(before, after, seeds=seeds, metric="loss", higher_is_better=False)
