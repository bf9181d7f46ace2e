"""Profiles over depth."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.functional.depth import (
    decades_per_layer,
    factor_per_layer,
    first_over_last,
    spread,
)

positive = st.floats(1e-6, 1e6)


@given(positive, st.floats(0.05, 20), st.integers(2, 12))
def test_a_geometric_profile_gives_its_factor_back(start, factor, layers):
    profile = [start * factor**k for k in range(layers)]
    ratio = first_over_last(profile)
    assert factor_per_layer(ratio, layers) == pytest.approx(1 / factor, rel=1e-6)
    assert decades_per_layer(profile) == pytest.approx(math.log10(factor), abs=1e-9)


@given(st.lists(positive, min_size=2, max_size=12), positive)
def test_scale_does_not_matter(profile, scale):
    scaled = [scale * value for value in profile]
    assert first_over_last(scaled) == pytest.approx(first_over_last(profile))
    assert spread(scaled) == pytest.approx(spread(profile))


@pytest.mark.parametrize("profile", [[], [1.0], [1.0, 0.0], [1.0, math.inf], [1.0, math.nan]])
def test_no_ratio_without_a_last_value(profile):
    assert math.isnan(first_over_last(profile))


def test_zeros():
    assert first_over_last([0.0, 1.0]) == 0.0
    assert spread([0.0, 1.0]) == math.inf
    assert math.isnan(spread([0.0, 0.0]))
    assert decades_per_layer([0.0, 1.0, 10.0]) == pytest.approx(1.0)


@pytest.mark.parametrize(("ratio", "layers"), [(math.nan, 4), (-1.0, 4), (0.5, 1)])
def test_no_factor(ratio, layers):
    assert math.isnan(factor_per_layer(ratio, layers))
