import math

import pytest

from corpus.scoring import Outcome, Rate, by_code, chance, count, summary


def case(name, expected, *found, error=""):
    return Outcome(name, "held_out", tuple(expected), tuple(found), 1.0, error)


def test_only_the_first_findings_count():
    late = case("a", ["X"], "P", "Q", "X", "R")
    assert not late.right()
    assert not late.right(2)
    assert late.right(3)


def test_a_constant_answer_is_right_by_luck():
    """Saying X of everything is right for half of the cases and would be for half of the others."""
    cases = [case(str(i), ["X"] if i % 2 else ["Y"], "X") for i in range(100)]
    assert summary(cases)["right first cause"].value == 0.5
    assert chance(cases) == pytest.approx(0.5, abs=0.01)


def test_a_specific_right_answer_has_no_luck():
    cases = [case(code, [code], code) for code in "ABCDE"]
    assert chance(cases) == 0
    assert summary(cases)["right first cause"].value == 1


def test_chance_is_that_of_a_brute_force_count():
    cases = [
        case("a", "AB", "A"), case("b", "B", "B", "A"), case("c", "C", "A"), case("d", "AD"),
        case("h", (), "A"),
    ]  # fmt: skip
    # a: says A, right for d of (b, c, d). b: says B, right for a. c: says A, right for a and d.
    assert chance(cases) == pytest.approx((1 / 3 + 1 / 3 + 2 / 3) / 3)


def test_silence_about_healthy_trainings_is_right_and_an_error_is_not():
    figures = summary([case("a", ()), case("b", (), "A"), case("c", (), error="ModelError: x")])
    assert figures["false alarms on healthy"].hits == 2


def test_groups_go_by_the_best_cause():
    groups = by_code([case("a", "XY", "Y"), case("b", "XY", "Z", "X"), case("c", "Y", "Y")])
    assert groups["X"] == (Rate(1, 2), Rate(2, 2))
    assert groups["Y"] == (Rate(1, 1), Rate(1, 1))


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1)],
)
def test_intervals_are_wilsons(hits, of, low, high):
    """Against the published values for n = 10."""
    assert Rate(hits, of).interval == pytest.approx((low, high), abs=2e-4)


def test_nothing_counted_is_no_number():
    assert math.isnan(count([]).value)
    assert math.isnan(chance([]))
