import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.render.console.blocks import bar, dots, log_shares, sparkline, strip

SHARES = st.floats(0, 1)
ANY = st.one_of(st.floats(0, 1), st.just(math.nan))


def filled(text):
    return sum("▏▎▍▌▋▊▉█".index(c) + 1 for c in text if c != " ") / 8


@given(SHARES, st.integers(1, 60), st.booleans())
def test_a_bar_has_its_width_and_its_length(share, width, unicode):
    drawn = bar(share, width, unicode=unicode)
    assert len(drawn) == width
    if unicode:
        assert filled(drawn) == pytest.approx(max(1 / 8, share * width), abs=0.07)
    else:
        assert drawn.count("#") == pytest.approx(max(1, share * width), abs=0.51)


@given(st.lists(st.floats(1e-12, 1e12), min_size=2))
def test_log_shares_keep_the_order(values):
    shares = log_shares(values)
    order = sorted(range(len(values)), key=values.__getitem__)
    assert all(0 <= share <= 1 for share in shares)
    assert [shares[i] for i in order] == sorted(shares)
    assert max(shares) == 1


def test_log_shares_of_what_has_no_logarithm():
    assert log_shares([0.0, 1.0, 10.0, math.inf]) == [0.0, 0.0, 1.0, 1.0]
    assert log_shares([]) == []


@given(st.lists(ANY), st.integers(3, 60), st.booleans())
def test_a_strip_shows_the_median_between_its_ends(values, width, unicode):
    drawn = strip(values, 0.0, 1.0, width, unicode=unicode)
    assert len(drawn) == width
    good = sorted(v for v in values if not math.isnan(v))
    mark = "●" if unicode else "o"
    assert drawn.count(mark) == bool(good)
    if good:
        spot = len(drawn) - len(drawn.lstrip())
        assert spot == round(good[0] * (width - 1))
        assert len(drawn.rstrip()) - 1 == round(good[-1] * (width - 1))


def test_a_sparkline_rises_with_its_values():
    assert sparkline([0, 0.5, 1], 0, 1, 3) == "▁▅█"
    assert sparkline([0, math.nan, 1], 0, 1, 3, unicode=False) == "_!#"
    assert sparkline([], 0, 1, 3) == ""
    assert sparkline([1, 2], 0, 2, 9) == "▅█"
    assert len(sparkline(list(range(100)), 0, 99, 20)) == 20


@given(st.lists(st.tuples(SHARES, SHARES)), st.integers(1, 20), st.integers(1, 6), st.booleans())
def test_dots_stay_on_the_canvas(points, width, height, unicode):
    rows = dots(points, width, height, unicode=unicode)
    assert len(rows) == height
    assert {len(row) for row in rows} == {width}
    assert any(row.strip() for row in rows) == bool(points)


def test_dots_stand_where_they_should():
    assert dots([(0, 1), (1, 0)], 3, 2, unicode=False) == ["*  ", "  *"]
    assert dots([(0, 1)], 1, 1) == ["⠁"]
