import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from torchclinic.render.html.scales import Scale, count_label, fitted, label, tick_labels, widened

FINITE = st.floats(-1e12, 1e12, allow_subnormal=False)
POSITIVE = st.floats(1e-12, 1e12)


@given(st.lists(st.one_of(FINITE, st.just(math.nan))), st.sampled_from([True, False, None]))
def test_a_fitted_scale_shows_all_finite_values(values, log):
    scale = fitted(values, log=log)
    assert scale.low < scale.high
    assert not scale.log or scale.low > 0
    for value in values:
        if math.isfinite(value) and (value > 0 or not scale.log):
            assert -1e-6 <= scale.place(value) <= 1 + 1e-6


@given(st.lists(POSITIVE, min_size=1))
def test_a_wide_span_is_drawn_by_its_logarithm(values):
    assert fitted(values).log == (max(values) / min(values) > 100)


@given(POSITIVE, POSITIVE, st.booleans(), st.integers(2, 9))
def test_ticks_lie_on_the_axis(low, high, log, count):
    assume(high > low * 1.01)
    ticks = Scale(low, high, log).ticks(count)
    assert ticks == sorted(ticks)
    assert len(ticks) <= count + 3
    slack = (high - low) * 1e-6
    assert all(low - slack <= tick <= high + slack or log for tick in ticks)


def test_ticks_are_round():
    assert Scale(0.0, 1.05).ticks(6) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert Scale(1e-7, 1e-1, log=True).ticks(4) == pytest.approx([1e-7, 1e-5, 1e-3, 1e-1])
    assert Scale(0.5, 8.0, log=True).ticks(4) == pytest.approx([0.5, 1, 2, 5])
    assert Scale(3.0, 3.0).ticks(4) == [3.0]


@given(FINITE, FINITE)
def test_a_wider_scale_holds_the_old_one(low, high):
    assume(high > low)
    wide = widened(Scale(low, high))
    assert wide.low <= low + 1e-9 * abs(low) + 1e-9
    assert wide.high >= high - 1e-9 * abs(high) - 1e-9


@given(FINITE, POSITIVE, st.integers(2, 8))
def test_tick_labels_tell_ticks_apart(low, span, count):
    values = [low + span * i for i in range(count)]
    assume(span > abs(low) * 1e-6)
    assert len(set(tick_labels(values))) == count


def test_places_off_the_axis_are_kept_on_it():
    scale = Scale(1.0, 100.0, log=True)
    assert [scale.clamped(v) for v in (0.0, 0.1, 10.0, 1e9)] == [0.0, 0.0, 0.5, 1.0]
    assert math.isnan(scale.place(math.nan))


def test_labels():
    assert [label(v) for v in (0.0, 1.0, -2.5e-9, 3e12, math.nan)] == [
        "0",
        "1",
        "-2.5×10⁻⁹",
        "3×10¹²",
        "NaN",
    ]
    assert [count_label(v) for v in (0, 1500, 12_500, 2.5)] == ["0", "1,500", "12.5k", "2.5"]
