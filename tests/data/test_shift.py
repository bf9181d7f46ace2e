"""The covariate-shift check against scipy, scikit-learn, loops by hand and planted shifts."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import nn

from torchclinic.core import DataError, Recipe, Splits, UsageError
from torchclinic.data import covariate_shift
from torchclinic.data.shift import (
    compare_features,
    delong_auc,
    domain_auc,
    standardised_difference,
)
from torchclinic.functional.holm import holm_adjusted
from torchclinic.nn import Standardise
from torchclinic.study.statistics import holm
from torchclinic.training import train


def sample(rows=300, features=3, seed=0, **changes):
    made = np.random.default_rng(seed).normal(size=(rows, features))
    for column, change in changes.items():
        made[:, int(column[1:])] = change(made[:, int(column[1:])])
    return made


SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=2, max_size=12)


@given(SCORES, SCORES)
def test_the_auc_is_that_of_sklearn_and_of_all_pairs(positive, negative):
    found = delong_auc(np.array(positive), np.array(negative))
    labels = [1] * len(positive) + [0] * len(negative)
    assert found.value == pytest.approx(roc_auc_score(labels, positive + negative))
    m, n = len(positive), len(negative)
    psi = [[(x > y) + (x == y) / 2 for y in negative] for x in positive]
    rows = [sum(row) / n for row in psi]
    columns = [sum(psi[i][j] for i in range(m)) / m for j in range(n)]
    variance = np.var(rows, ddof=1) / m + np.var(columns, ddof=1) / n
    assert found.error == pytest.approx(math.sqrt(variance), abs=1e-12)


def test_the_standard_error_is_that_of_repeated_samples():
    rng = np.random.default_rng(0)
    found = [delong_auc(rng.normal(1, 1, 60), rng.normal(0, 1, 40)) for _ in range(600)]
    spread = np.std([auc.value for auc in found])
    assert np.mean([auc.error for auc in found]) == pytest.approx(spread, rel=0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_one_of_the_studies(p_values):
    assert holm_adjusted(p_values).tolist() == pytest.approx(list(holm(p_values)))


def test_features_against_scipy():
    a, b = sample(seed=1), sample(200, seed=2, c1=lambda v: v + 0.5)
    found = compare_features(a, b, ["x", "y", "z"])
    for column, feature in enumerate(found):
        test = stats.ks_2samp(a[:, column], b[:, column])
        assert (feature.ks, feature.p_value) == (test.statistic, test.pvalue)
        ours = feature.difference
        spread = math.sqrt((a[:, column].var(ddof=1) + b[:, column].var(ddof=1)) / 2)
        assert ours == pytest.approx((b[:, column].mean() - a[:, column].mean()) / spread)
    assert [f.adjusted for f in found] == pytest.approx(list(holm([f.p_value for f in found])))
    assert [f.name for f in found if f.adjusted < 0.05] == ["y"]


@pytest.mark.parametrize("by", [0.5, 1.5])
def test_two_samples_that_hardly_differ_warn_nobody(by):
    """scipy's exact p comes out above 1; with a warning it takes the asymptotic one."""
    first = np.arange(300.0)[:, None]
    with pytest.warns(RuntimeWarning, match="Exact calculation unsuccessful"):
        expected = stats.ks_2samp(first[:, 0], first[:, 0] + by).pvalue
    found = compare_features(first, first + by, ["0"])
    assert found[0].p_value == expected > 0.99


def test_constants():
    assert standardised_difference(np.ones(4), np.ones(3)) == 0.0
    assert standardised_difference(np.ones(4), np.zeros(3)) == -math.inf
    assert standardised_difference(np.zeros(1), np.ones(1)) == math.inf
    report = covariate_shift(np.ones((40, 2)), np.ones((40, 2)))
    assert not report.shifted
    assert report.auc == 0.5


def test_no_shift_is_rarely_found_where_there_is_none():
    reports = [covariate_shift(sample(100, seed=s), sample(100, seed=s + 50)) for s in range(20)]
    assert sum(r.shifted for r in reports) <= 4
    assert sum(bool(r.shifted_features) for r in reports) <= 2
    assert abs(np.mean([r.auc for r in reports]) - 0.5) < 0.03


def test_a_planted_shift_is_named():
    a, b = sample(), sample(seed=1, c2=lambda v: v + 1.0)
    report = covariate_shift(a, b, names=["age", "weight", "height"])
    assert report.shifted
    assert [f.name for f in report.shifted_features] == ["height"]
    assert report.shifted_features[0].difference == pytest.approx(1.0, abs=0.2)
    assert 0.55 < report.auc_low < report.auc < report.auc_high < 0.9
    text = str(report)
    assert "Covariate shift (300 against 300 rows)" in text
    assert "height: standardised difference +" in text
    assert "1 of 3 features" in text


def test_a_change_of_spread_is_seen_though_the_means_agree():
    report = covariate_shift(sample(), sample(seed=1, c0=lambda v: 3 * v))
    assert [f.name for f in report.shifted_features] == ["0"]
    assert abs(report.features[0].difference) < 0.3


def test_the_classifier_sees_what_no_single_feature_shows():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 600, 2))
    a[:, 1] = np.abs(a[:, 1]) * np.sign(a[:, 0])  # correlated
    b[:, 1] = -np.abs(b[:, 1]) * np.sign(b[:, 0])  # the other way round
    report = covariate_shift(a, b)
    assert not report.shifted_features
    assert report.auc_low > 0.9
    assert report.shifted


def test_a_classifier_of_ones_own():
    a, b = sample(), sample(seed=1, c0=lambda v: v + 1)
    found = domain_auc(a, b, folds=5, seed=0, classifier=LogisticRegression())
    assert found.value == pytest.approx(stats.norm.cdf(1 / math.sqrt(2)), abs=0.05)


def test_any_data_can_be_compared():
    images = torch.rand(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) % 3
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), 20)
    report = covariate_shift(loader, {"x": images, "y": labels})
    assert len(report.features) == 16
    assert report.rows == (60, 60)
    assert all(f.ks == 0 for f in report.features)
    assert covariate_shift((images, labels), images, rows=25).rows == (25, 25)


def test_elements_that_are_not_finite_are_left_out():
    a = sample()
    a[::7, 1] = math.nan
    a[3, 1] = math.inf
    found = compare_features(a, sample(seed=1), ["0", "1", "2"])
    kept = a[np.isfinite(a[:, 1]), 1]
    assert found[1].ks == stats.ks_2samp(kept, sample(seed=1)[:, 1]).statistic
    assert not covariate_shift(np.nan_to_num(a, posinf=math.nan), a, seed=3).shifted_features


def test_the_generators_are_left_alone():
    torch.manual_seed(3)
    np.random.seed(3)
    covariate_shift(sample(60), sample(60, seed=1))
    drawn = float(torch.rand(())), np.random.random()
    torch.manual_seed(3)
    np.random.seed(3)
    assert (float(torch.rand(())), np.random.random()) == drawn
    first = covariate_shift(sample(60), sample(60, seed=1), seed=5)
    assert first == covariate_shift(sample(60), sample(60, seed=1), seed=5)


@pytest.mark.parametrize(
    ("call", "error", "quoted"),
    [
        (lambda: covariate_shift(sample(features=2), sample()), DataError, "rows of 2 values"),
        (lambda: covariate_shift(sample(), sample(), names=["a"]), UsageError, "1 names for 3"),
        (lambda: covariate_shift(sample(4), sample()), UsageError, "5 folds of 4 and 300"),
        (lambda: covariate_shift(sample(), sample(), confidence=1.0), UsageError, "is 1.0"),
        (lambda: covariate_shift(sample(), sample(), rows=0), UsageError, "rows is 0"),
        (
            lambda: covariate_shift(sample(c1=lambda v: v * math.nan), sample()),
            DataError,
            "feature 1 has no finite value",
        ),
        (lambda: covariate_shift(torch.zeros(30, 0), sample()), DataError, "no features"),
    ],
)
def test_what_cannot_be_compared(call, error, quoted):
    with pytest.raises(error, match=quoted):
        call()


def test_standardising_uses_the_training_rows_alone_and_does_not_hide_a_shift(tmp_path):
    train_x = torch.from_numpy(sample()).float() * 5 + 3
    test_x = torch.from_numpy(sample(seed=1, c0=lambda v: v + 1)).float() * 5 + 3
    layer = Standardise.fit(train_x)
    torch.testing.assert_close(layer.mean, train_x.mean(0))
    net = nn.Sequential(layer, nn.Linear(3, 2))
    data = Splits(
        train=(train_x, torch.arange(300) % 2), validation=(test_x, torch.arange(300) % 2)
    )
    recipe = Recipe(
        model=net,
        data=data,
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(torch.optim.SGD, lr=0.1),
        epochs=2,
    )
    trained = train(recipe, keep_model=True).model
    assert torch.equal(trained[0].mean, layer.mean)
    assert torch.equal(trained[0].std, layer.std)
    save_file(trained.state_dict(), tmp_path / "net.safetensors")
    again = nn.Sequential(Standardise(torch.zeros(3), torch.ones(3)), nn.Linear(3, 2))
    again.load_state_dict(load_file(tmp_path / "net.safetensors"))
    assert torch.equal(again(test_x), trained(test_x))
    standard = covariate_shift(layer(train_x), layer(test_x))
    assert [f.name for f in standard.shifted_features] == ["0"]
    hidden = covariate_shift(layer(train_x), Standardise.fit(test_x)(test_x))
    assert not hidden.shifted_features
