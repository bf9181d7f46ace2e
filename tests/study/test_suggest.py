"""`suggest` on curves of which the right answer is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.lr_recipes import known
from torchclinic.core import UsageError
from torchclinic.study import suggest
from torchclinic.study.lr_range.smoothing import smooth
from torchclinic.study.lr_range.suggest import suggest_from

RATES = np.geomspace(1e-7, 10, 150)
LOG = np.log10(RATES)


def learning(drop=1.5, first=-3.0, last=-1.0, cliff=-0.5, start=2.3):
    """Flat until 10^first, down by `drop` until 10^last, up tenfold a decade from 10^cliff."""
    down = drop * np.clip((LOG - first) / (last - first), 0, 1)
    up = np.where(cliff < LOG, 10 ** np.clip(LOG - cliff, 0, None) - 1, 0) * start
    return start - down + up


def read(losses, noise=0.0, rates=RATES):
    return suggest(list(rates), list(losses), noise)


def near(rate, exponent, decades=0.15):
    return abs(math.log10(rate) - exponent) <= decades


def test_a_clear_curve():
    found = read(learning())
    assert list(found.suggestions) == ["valley", "divergence/10", "steepest", "minimum/10"]
    assert near(found.suggestions["valley"], -2.0)
    assert -3 <= math.log10(found.suggestions["steepest"]) <= -1
    assert near(found.suggestions["minimum/10"], -2.0)
    # 0.75 of the 1.5 is lost again at 10^cliff (1 + 0.75 / 2.3)
    assert near(found.divergence, -0.5 + math.log10(1 + 0.75 / 2.3))
    assert found.suggestions["divergence/10"] == pytest.approx(known(found.divergence) / 10)
    assert found.reason == ""


def test_v_shape():
    losses = 2.0 + 0.5 * np.abs(LOG + 2)
    found = read(losses - losses[0] + 4.0)
    assert near(found.suggestions["minimum/10"], -3.0)
    assert found.suggestions["valley"] < 10**-2


def test_a_flat_curve_gives_no_suggestion():
    found = read(np.full(150, 2.3))
    assert (dict(found.suggestions), found.divergence) == ({}, None)
    assert "the loss does not fall before the learning rate reaches 10" in found.reason


def test_a_curve_that_only_falls_little_gives_no_suggestion():
    found = read(learning(drop=0.05, cliff=5))
    assert not found.suggestions
    assert "falls by only 2.2%" in found.reason


def test_a_shallow_descent_before_a_cliff_gives_no_valley():
    found = read(learning(drop=0.1, first=-2, last=-0.5))
    assert list(found.suggestions) == ["divergence/10", "steepest", "minimum/10"]


def test_a_plateau_before_a_cliff_gives_a_divergence_only():
    found = read(learning(drop=0.0, cliff=-2))
    assert not found.suggestions
    assert near(found.divergence, -2 + math.log10(1.2))
    assert "does not fall before the learning rate blows up at 0.013" in found.reason


def test_a_curve_that_blows_up_at_once():
    found = read(2.3 * 10 ** (LOG + 7))
    assert not found.suggestions
    assert "blows up at once" in found.reason
    assert found.divergence is not None


@pytest.mark.parametrize(
    "losses", [[math.nan] * 150, [math.inf] * 150, [2.3, 2.3] + [math.nan] * 148]
)
def test_a_curve_without_numbers(losses):
    found = read(losses)
    assert not found.suggestions
    assert found.divergence in RATES[:3]
    assert "try lower ones" in found.reason


@pytest.mark.parametrize("tail", [math.nan, math.inf])
def test_a_tail_that_is_not_finite_is_the_divergence(tail):
    losses = learning(cliff=5)
    losses[120:] = tail
    found = read(losses)
    assert found.divergence == pytest.approx(RATES[120])
    assert near(found.suggestions["valley"], -2.0)


def test_a_dead_net_after_the_cliff_is_no_minimum():
    losses = learning(start=160.0, drop=100.0)
    losses[140:] = 2.3  # all units silent: a loss far below anything that was learnt
    assert near(read(losses).suggestions["minimum/10"], -2.0)


def noisy(seed, losses, noise):
    """A smoothed curve and the standard deviation of its points."""
    generator = np.random.default_rng(seed)
    values, shrinkage = smooth(losses + generator.normal(0, noise, losses.size), 3.0)
    return values, noise * shrinkage


def test_noise_alone_makes_no_suggestion():
    suggested = 0
    for seed in range(300):
        losses, noise = noisy(seed, np.full(150, 2.3), 0.3)
        suggested += bool(read(losses, noise).suggestions)
    assert suggested <= 3


def test_early_noise_does_not_move_the_suggestion():
    plain = read(learning()).suggestions["valley"]
    for seed in range(30):
        losses, noise = noisy(seed, learning(), 0.1)
        found = read(losses, noise).suggestions
        assert abs(math.log10(found["valley"] / plain)) < 0.5
        assert found["steepest"] > 1e-4


curves = st.builds(
    learning,
    drop=st.floats(0.5, 2.0),
    first=st.floats(-5.0, -2.5),
    last=st.floats(-2.0, -1.0),
    cliff=st.floats(-0.9, 0.5),
)


@settings(max_examples=60)
@given(curves, st.floats(1e-6, 1e6), st.floats(0, 0.02))
def test_the_unit_of_the_loss_does_not_matter(losses, unit, noise):
    plain, scaled = read(losses, noise), read(unit * losses, unit * noise)
    assert scaled.divergence == plain.divergence
    assert dict(scaled.suggestions) == pytest.approx(dict(plain.suggestions))


@settings(max_examples=60)
@given(curves, st.floats(1e-3, 1e3))
def test_suggestions_move_with_the_rates(losses, factor):
    plain, moved = read(losses), read(losses, rates=factor * RATES)
    assert moved.divergence == pytest.approx(factor * plain.divergence)
    expected = {name: factor * rate for name, rate in plain.suggestions.items()}
    assert dict(moved.suggestions) == pytest.approx(expected)


@settings(max_examples=60)
@given(curves)
def test_suggestions_lie_below_the_divergence(losses):
    found = read(losses)
    assert found.suggestions
    assert all(
        RATES[0] / 10 <= rate < known(found.divergence) for rate in found.suggestions.values()
    )


@settings(max_examples=100)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(math.inf), min_size=5, max_size=40),
    st.floats(0, 10),
)
def test_any_curve_gets_suggestions_or_a_reason(losses, noise):
    rates = list(np.geomspace(1e-5, 1, len(losses)))
    found = suggest(rates, losses, noise)
    assert bool(found.suggestions) != bool(found.reason)
    assert all(math.isfinite(rate) and rate > 0 for rate in found.suggestions.values())


@pytest.mark.parametrize(
    ("rates", "losses"),
    [
        ([], []),
        ([0.1, 0.2], [1.0, 1.0]),
        ([0.1, 0.2, 0.3, 0.4, 0.5], [1.0]),
        ([0.2, 0.1, 0.3, 0.4, 0.5], [1.0] * 5),
        ([0.0, 0.1, 0.3, 0.4, 0.5], [1.0] * 5),
    ],
)
def test_refuses_rates_that_do_not_rise(rates, losses):
    with pytest.raises(UsageError):
        suggest(rates, losses)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50), st.floats(0.1, 10))
def test_smoothing_against_a_loop(values, points):
    smoothed, _ = smooth(np.array(values), points)
    for i, found in enumerate(smoothed):
        weights = [math.exp(-abs(i - j) / points) for j in range(len(values))]
        mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
        assert found == pytest.approx(mean, abs=1e-9)


@given(st.floats(-100, 100), st.integers(1, 40))
def test_smoothing_keeps_a_constant(value, points):
    smoothed, shrinkage = smooth(np.full(points, value), 3.0)
    assert smoothed == pytest.approx(np.full(points, value))
    assert 0 < shrinkage <= 1


def test_smoothing_does_not_lag():
    peak = np.exp(-0.5 * ((np.arange(101) - 50) / 8) ** 2)
    assert int(np.argmax(smooth(peak, 4.0).values)) == 50


def test_shrinkage_is_that_of_independent_noise():
    generator = np.random.default_rng(0)
    smoothed, shrinkage = smooth(generator.normal(size=(400, 100)), 3.0)
    assert smoothed.std() == pytest.approx(shrinkage, rel=0.03)


# ------------------------------------------------------- each suggestion where it was planted


def logistic(centre, width=0.25, drop=1.5, cliff=None):
    """A descent that is steepest at 10^centre; from 10^cliff on it rises tenfold a decade."""
    down = drop / (1 + np.exp(-(LOG - centre) / width))
    up = 0 if cliff is None else np.where(cliff < LOG, 10 ** np.clip(LOG - cliff, 0, None) - 1, 0)
    return 2.3 - down + up


@pytest.mark.parametrize("centre", [-5.0, -3.5, -2.0, -1.0])
def test_the_steepest_descent_and_the_valley_are_where_they_were_planted(centre):
    found = read(logistic(centre, cliff=0.0)).suggestions
    assert near(found["steepest"], centre, 0.06)
    assert near(found["valley"], centre, 0.06)


def test_the_steepest_is_so_by_log_rate_not_by_rate():
    """d loss / d rate is lowest at the lowest rates: 1/rate outweighs the slope."""
    losses = 2.3 - 0.2 * np.clip(LOG + 6, 0, 1) - 1.0 * np.clip(LOG + 2, 0, 1)
    by_rate = RATES[int(np.argmin(np.gradient(losses, RATES)))]
    assert by_rate < 1e-4
    assert -2 <= math.log10(read(losses).suggestions["steepest"]) <= -1


@pytest.mark.parametrize("cliff", [-2.0, -1.0, 0.0])
def test_the_divergence_is_where_it_was_planted(cliff):
    found = read(logistic(cliff - 1.5, width=0.1, cliff=cliff))
    planted = cliff + math.log10(1 + 0.75)  # half of the 1.5 is lost again
    assert near(found.divergence, planted, 0.06)
    assert found.suggestions["divergence/10"] == pytest.approx(known(found.divergence) / 10)


@pytest.mark.parametrize("bottom", [-3.0, -2.0, -1.0])
def test_the_minimum_is_where_it_was_planted(bottom):
    found = read(2.0 + 0.4 * np.abs(LOG - bottom))
    assert near(found.suggestions["minimum/10"], bottom - 1, 0.06)
    assert found.bounds["minimum/10"] == found.suggestions["minimum/10"]


@pytest.mark.parametrize(("first", "last"), [(-4.0, -1.0), (-3.0, -1.5), (-5.0, -2.0)])
def test_the_lectures_bounds_are_a_sixth_and_a_tenth(first, last):
    found = read(learning(first=first, last=last, cliff=last + 0.5))
    begins = first + 0.1 * (last - first)  # a tenth of a straight descent is done
    assert list(found.bounds) == ["descent/6", "minimum/10"]
    assert near(6 * found.bounds["descent/6"], begins, 0.08)
    assert near(10 * found.bounds["minimum/10"], last, 0.08)


def test_bounds_that_would_not_rise_are_not_given():
    sudden = np.where(LOG < -2, 2.3, 0.5)
    sudden[LOG > -1.9] = 50.0
    found = read(sudden)
    assert found.suggestions
    assert found.bounds == {}
    assert read(np.full(150, 2.3)).bounds == {}


def test_a_curve_that_has_blown_up_before_it_begins():
    short = suggest_from(list(RATES[:3]), [2.3, 2.3, 50.0], 0.0, 2.3)
    assert short.divergence == RATES[2]
    high = suggest_from(list(RATES), [11.5] * 150, 0.0, 2.3)
    assert high.divergence == RATES[0]
    assert "at once" in short.reason
    assert "at once" in high.reason
    losses = learning()
    assert suggest_from(list(RATES), list(losses), 0.0, 2.3) == read(losses)
