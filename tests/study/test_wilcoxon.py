from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from torchclinic.core import UsageError
from torchclinic.study import wilcoxon_p

ties = st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=9)


def counted(values):
    """All flips of the signs of Pratt's ranks, one by one."""
    values = np.asarray(values)
    ranks = rankdata(np.abs(values)) * (values != 0)
    observed = abs(np.sum(np.sign(values) * ranks))
    flips = [abs(np.dot(signs, ranks)) for signs in product((-1, 1), repeat=len(values))]
    return float(np.mean(np.array(flips) >= observed - 1e-9))


@settings(max_examples=100)
@given(ties)
def test_counts_flips_where_values_tie(values):
    expected = counted(values) if any(values) else 1.0
    assert wilcoxon_p(values) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("pairs", [5, 10, 30, 50])
def test_agrees_with_scipy_without_ties(pairs):
    sample = np.random.default_rng(pairs).normal(0.3, 1, pairs)
    assert wilcoxon_p(sample) == pytest.approx(wilcoxon(sample, method="exact").pvalue)


def test_large_samples_are_approximated_well():
    sample = np.random.default_rng(1).normal(0.2, 1, 51)
    assert wilcoxon_p(sample) == pytest.approx(wilcoxon(sample, method="exact").pvalue, abs=2e-3)


@settings(max_examples=50)
@given(ties, st.sampled_from([1e-200, 0.1, 1e200]))
def test_knows_no_sign_and_no_unit(values, unit):
    p = wilcoxon_p(values)
    assert 0 < p <= 1
    assert wilcoxon_p([-v for v in values]) == pytest.approx(p)
    assert wilcoxon_p([unit * v for v in values]) == pytest.approx(p)


def test_rounding_errors_tie():
    assert wilcoxon_p([0.1 + 0.2, -0.3, 0.5]) == wilcoxon_p([0.3, -0.3, 0.5])


def test_nothing_to_see():
    assert wilcoxon_p([0.0, 0.0, 0.0]) == 1.0
    assert wilcoxon_p([0.7]) == 1.0
    with pytest.raises(UsageError):
        wilcoxon_p([])


def test_an_outlier_decides_nothing():
    assert wilcoxon_p([1.0, 2, 3, 4, 5, 1000]) == wilcoxon_p([1.0, 2, 3, 4, 5, 6])
