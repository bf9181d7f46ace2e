import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.render.words import (
    decimals_for,
    listing,
    number,
    plural,
    printable,
    score,
    seconds,
    sentence,
    shorten,
    signed,
    times,
)

FINITE = st.floats(-1e300, 1e300, allow_subnormal=False)


@given(FINITE)
def test_a_number_keeps_three_digits_below_a_thousand_and_units_above(value):
    read = float(number(value).replace(",", ""))
    if abs(value) < 1000 or abs(value) >= 1e5:
        assert math.isclose(read, value, rel_tol=0.0051)
    else:
        assert abs(read - value) <= 0.5 + 1e-9


@given(FINITE)
def test_a_number_is_short(value):
    assert len(number(value)) <= 11


@pytest.mark.parametrize(
    ("value", "text"),
    [(999.9, "1,000"), (0.0009999, "0.001"), (99999.9, "1e5"), (-0.5, "-0.5"), (1e-300, "1e-300")],
)
def test_numbers_at_the_edges(value, text):
    assert number(value) == text


def test_numbers_that_are_none():
    assert [number(v) for v in (math.nan, math.inf, -math.inf)] == ["NaN", "inf", "-inf"]
    assert signed(math.inf) == "+inf"
    assert score(math.nan) == "NaN"
    assert seconds(math.inf) == "unknown"
    assert times(math.inf) == "infinitely many times"


@given(st.lists(st.floats(0.001, 9e4), min_size=1, max_size=8))
def test_scores_of_one_group_have_the_same_decimals(values):
    decimals = decimals_for(values)
    written = [score(v, decimals) for v in values]
    if decimals is not None:
        assert len({len(w.partition(".")[2]) for w in written}) == 1


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits_and_keeps_its_ends(text, width):
    short = shorten(text, width)
    assert len(short) <= width
    if len(text) > width >= 3:
        assert short[0] == text[0]
        assert short[-1] == text[-1]
        assert "…" in short


@given(st.text(st.characters()))
def test_printable_text_moves_no_cursor(text):
    assert all(ord(c) >= 32 and c not in "\x7f\x9b\u202e\u2066" for c in printable(text))


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_plain_text_is_left_alone(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 s"),
        (9.96, "10 s"),
        (99.4, "99 s"),
        (99.6, "1 min 40 s"),
        (3599.7, "1 h"),
        (7200, "2 h"),
    ],
)
def test_durations(value, text):
    assert seconds(value) == text


def test_sentences_and_lists():
    assert listing([]) == ""
    assert plural(0, "seed") == "0 seeds"
    assert plural(2, "query", "queries") == "2 queries"
    assert sentence("") == ""
    assert sentence("ends already.") == "Ends already."
    assert times(2e7) == "2e7 times"
