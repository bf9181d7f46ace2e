"""The Theil-Sen slope against scipy's, and its properties."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from torchclinic.functional.slope import theil_sen

values = st.lists(st.floats(-100, 100, width=32), min_size=8, max_size=30)


@given(values)
def test_agrees_with_scipy(y):
    x = [float(i) for i in range(len(y))]
    ours, theirs = theil_sen(x, y), stats.theilslopes(y, x, 0.95)
    assert ours.value == pytest.approx(theirs.slope, abs=1e-9)
    # the ends are order statistics of the same slopes; rounding of the rank may differ by one
    slopes = sorted((y[j] - y[i]) / (j - i) for i in range(len(y)) for j in range(i + 1, len(y)))
    for end, other in ((ours.low, theirs.low_slope), (ours.high, theirs.high_slope)):
        near = [k for k, slope in enumerate(slopes) if slope == pytest.approx(other, abs=1e-9)]
        allowed = slopes[max(near[0] - 1, 0) : near[-1] + 2]
        assert any(end == pytest.approx(slope, abs=1e-9) for slope in allowed)


@given(values, st.floats(0.1, 10), st.floats(-5, 5))
def test_is_equivariant_to_scale_and_trend(y, factor, trend):
    x = [float(i) for i in range(len(y))]
    moved = [factor * b + trend * a for a, b in zip(x, y, strict=True)]
    before, after = theil_sen(x, y), theil_sen(x, moved)
    assert after.value == pytest.approx(factor * before.value + trend, abs=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=20, max_size=20), st.integers(0, 19))
def test_one_wild_value_hardly_moves_it(noise, where):
    x = [float(i) for i in range(20)]
    y = [2 * a + 0.01 * n for a, n in zip(x, noise, strict=True)]
    y[where] = 1e9
    slope = theil_sen(x, y)
    assert slope.value == pytest.approx(2.0, abs=0.05)


def test_interval_covers_the_true_slope_about_as_often_as_it_says():
    import random

    draw, hits = random.Random(0), 0
    for _ in range(300):
        y = [0.3 * i + draw.gauss(0, 1) for i in range(15)]
        slope = theil_sen([float(i) for i in range(15)], y)
        hits += slope.low <= 0.3 <= slope.high
    assert 0.91 <= hits / 300 <= 0.99


def test_few_points_have_no_interval():
    slope = theil_sen([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    assert (slope.low, slope.high) == (-math.inf, math.inf)
    assert not slope.rises
    assert not slope.falls


@pytest.mark.parametrize("x", [[], [1.0], [2.0, 2.0]])
def test_no_slope_without_two_places(x):
    assert theil_sen(x, [1.0] * len(x)) is None


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=12))
def test_takes_whatever_it_gets(y):
    slope = theil_sen([float(i) for i in range(len(y))], y)
    kept = [v for v in y if math.isfinite(v)]
    assert (slope is None) == (len(kept) < 2)
