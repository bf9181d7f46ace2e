import math
import statistics

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.render.numbers import bucket_means, finite, median, quantile, thin

FINITE = st.floats(-1e9, 1e9)
ANY = st.one_of(FINITE, st.sampled_from([math.nan, math.inf, -math.inf]))


@given(st.lists(FINITE, min_size=1), st.floats(0, 1))
def test_quantiles_agree_with_numpy(values, share):
    assert math.isclose(
        quantile(values, share), float(np.quantile(values, share)), rel_tol=1e-9, abs_tol=1e-6
    )


@given(st.lists(FINITE, min_size=1))
def test_the_median_agrees_with_the_standard_library(values):
    assert math.isclose(median(values), statistics.median(values), rel_tol=1e-12, abs_tol=1e-9)


@given(st.lists(ANY))
def test_the_median_looks_at_finite_values_only(values):
    good = [v for v in values if math.isfinite(v)]
    assert finite(values) == good
    assert math.isnan(median(values)) == (not good)


@given(st.lists(ANY, max_size=400), st.integers(5, 60))
def test_a_thinned_series_keeps_ends_and_extremes(values, limit):
    steps, kept = thin(range(len(values)), values, limit)
    assert len(steps) == len(kept) <= max(limit, 0)
    assert list(steps) == sorted(set(steps))
    assert all(kept[i] is values[s] or kept[i] == values[s] for i, s in enumerate(steps))
    good = finite(values)
    if good:
        assert max(finite(kept)) == max(good)
        assert min(finite(kept)) == min(good)
    if values:
        assert (steps[0], steps[-1]) == (0, len(values) - 1)
    if len(good) < len(values):
        assert len(finite(kept)) < len(kept)


def test_a_short_series_is_not_thinned():
    assert thin((3, 4), (1.0, 2.0), 10) == ((3, 4), (1.0, 2.0))


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(1, 50))
def test_bucket_means_are_means(values, buckets):
    ends, means = bucket_means(values, buckets)
    assert len(ends) == len(means) == min(buckets, len(values))
    assert ends[-1] == len(values)
    start = 0
    for end, mean in zip(ends, means, strict=True):
        assert math.isclose(mean, statistics.fmean(values[start:end]), rel_tol=1e-6, abs_tol=1e-6)
        start = end


def test_a_bucket_with_a_nan_is_nan():
    assert math.isnan(bucket_means([1.0, math.inf, 2.0, 2.0], 2)[1][0])
    assert bucket_means([], 5) == ([], [])
