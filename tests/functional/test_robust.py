"""Robust statistics against numpy, smoothing and noise against known answers."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.functional.noise import step_noise, swing
from torchclinic.functional.robust import finite, mad_sigma, median, median_of_means, quantile
from torchclinic.functional.smoothing import blocks

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)
anything = st.lists(st.floats(), max_size=50)


@given(numbers, st.floats(0, 1))
def test_quantile_agrees_with_numpy(values, q):
    assert quantile(values, q) == pytest.approx(float(np.quantile(values, q)), rel=1e-9, abs=1e-6)


@given(numbers)
def test_median_agrees_with_numpy(values):
    assert median(values) == pytest.approx(float(np.median(values)), rel=1e-9, abs=1e-6)


@given(anything)
def test_non_finite_values_are_left_out(values):
    kept = finite(values)
    for function in (median, mad_sigma, median_of_means):
        result = function(values)
        assert math.isnan(result) == (not kept)


def test_mad_estimates_the_standard_deviation_of_a_normal():
    draw = random.Random(1)
    values = [draw.gauss(3, 2) for _ in range(4000)]
    assert mad_sigma(values) == pytest.approx(2, rel=0.05)


def test_median_of_means_estimates_the_mean_of_a_skewed_quantity():
    draw = random.Random(2)
    values = [draw.expovariate(1.0) for _ in range(5000)]
    assert median_of_means(values) == pytest.approx(1.0, abs=0.06)
    assert median(values) == pytest.approx(math.log(2), abs=0.05)  # what the median would say


@given(anything, st.integers(1, 30))
def test_blocks_keep_every_finite_value_once(values, count):
    parts = blocks(range(len(values)), values, count)
    kept = finite(values)
    assert sum(part.count for part in parts) == len(kept)
    assert len(parts) == min(count, len(kept))
    assert all(
        min(kept) <= part.level <= max(kept)
        or part.level == pytest.approx(max(kept))
        or part.level == pytest.approx(min(kept))
        for part in parts
    )


@given(st.floats(0.01, 100), st.floats(-1, 1))
def test_step_noise_ignores_a_slow_trend(sigma, trend):
    draw = random.Random(3)
    values = [trend * sigma * 0.01 * i + draw.gauss(0, sigma) for i in range(2000)]
    assert step_noise(values) == pytest.approx(sigma, rel=0.12)


def test_step_noise_needs_three_values():
    assert math.isnan(step_noise([1.0, 2.0]))


def test_swing_tells_oscillation_from_noise():
    draw = random.Random(4)
    calm = [1 + draw.gauss(0, 0.1) for _ in range(640)]
    waves = [v + 0.3 * math.sin(i / 25) for i, v in enumerate(calm)]
    assert swing(range(640), calm) < 2
    assert swing(range(640), waves) > 4


def test_swing_is_unknown_for_a_short_or_noiseless_curve():
    assert math.isnan(swing(range(4), [1.0] * 4))
    assert math.isnan(swing(range(400), [1.0] * 400))
