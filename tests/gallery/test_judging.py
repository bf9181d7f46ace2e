"""Claims with planted values: the interval decides, and nothing else."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from torchclinic import TorchclinicError
from torchclinic.gallery import Judgement, judge
from torchclinic.gallery.judging import mean_interval, wanted

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def judged(values, **bounds):
    return judge("A sentence.", source="000", measure="a value", values=values, **bounds)


@pytest.mark.parametrize(
    ("values", "bounds", "expected"),
    [
        ([0.9, 0.91, 0.92], {"above": 0.5}, "holds"),
        ([0.1, 0.11, 0.12], {"above": 0.5}, "refuted"),
        ([0.1, 0.5, 0.9], {"above": 0.5}, "not settled"),
        ([0.1, 0.11, 0.12], {"below": 0.5}, "holds"),
        ([0.9, 0.91, 0.92], {"below": 0.5}, "refuted"),
        ([0.0, 0.001, -0.001], {"above": -0.1, "below": 0.1}, "holds"),
        ([0.5, 0.51, 0.52], {"above": -0.1, "below": 0.1}, "refuted"),
        ([-0.5, -0.51, -0.52], {"above": -0.1, "below": 0.1}, "refuted"),
        ([0.9], {"above": 0.5}, "not settled"),
        ([0.9, math.nan, 0.91], {"above": 0.5}, "not settled"),
        (0.25, {"above": 0.2, "below": 0.3}, "holds"),
        (0.35, {"above": 0.2, "below": 0.3}, "refuted"),
        (math.nan, {"above": 0.2}, "not settled"),
        (0.5, {"above": 0.5}, "refuted"),
    ],
)
def test_the_interval_decides(values, bounds, expected):
    assert judged(values, **bounds).judgement.value == expected


@given(st.lists(NUMBERS, min_size=2, max_size=12))
def test_the_interval_is_students(values):
    mean, low, high = mean_interval(tuple(values))
    assert mean == pytest.approx(np.mean(values), abs=1e-6)
    spread = stats.sem(values)
    if spread > 1e-6:
        expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=spread)
        assert (low, high) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.lists(NUMBERS, min_size=2, max_size=8), NUMBERS)
def test_above_and_below_are_mirror_images(values, bound):
    flipped = {"holds": "holds", "refuted": "refuted", "not settled": "not settled"}
    up = judged(values, above=bound).judgement.value
    down = judged([-v for v in values], below=-bound).judgement.value
    assert flipped[up] == down


def test_false_claims_are_rarely_called_true():
    draws = np.random.default_rng(0).normal(0.0, 1.0, size=(2000, 5))
    wrong = np.mean([judged(row, above=0.0).judgement is Judgement.HOLDS for row in draws])
    assert 0.015 < wrong < 0.035  # one end of a 95 % interval


def test_a_reason_is_tied_to_its_judgement():
    said = {"reason": "Always.", "if_holds": "Yes.", "if_refuted": "No.", "if_not_settled": "Hm."}
    assert judged(1.0, above=0.0, **said).reason == "Always. Yes."
    assert judged(-1.0, above=0.0, **said).reason == "Always. No."
    assert judged([1.0, -1.0], above=0.0, **said).reason == "Always. Hm."


@pytest.mark.parametrize(
    ("values", "bounds"),
    [([], {"above": 0.0}), (1.0, {}), (1.0, {"above": 2.0, "below": 1.0})],
)
def test_senseless_claims_are_refused(values, bounds):
    with pytest.raises(TorchclinicError, match=r"A sentence\."):
        judged(values, **bounds)


def test_bounds_in_words():
    assert wanted(0.5, math.inf) == "above 0.5"
    assert wanted(-math.inf, 2) == "below 2"
    assert wanted(-1, 1) == "between -1 and 1"
