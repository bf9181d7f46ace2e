"""Ranking and folding."""

from hypothesis import given
from hypothesis import strategies as st

from torchclinic.core import Evidence, Finding, Level, Stage
from torchclinic.rules import fold, rank

CODES = [f"AAA10{k}" for k in range(6)]


def finding(code, stage=Stage.NUMERICS, level=Level.ERROR, confidence=0.5, explains=()):
    return Finding(
        code,
        code.lower(),
        level,
        code,
        code,
        (Evidence(code, 1.0),),
        stage,
        confidence=confidence,
        explains=tuple(explains),
    )


def shape(findings):
    return [(f.code, [c.code for c in f.consequences]) for f in findings]


anything = st.lists(
    st.builds(
        finding,
        st.sampled_from(CODES),
        st.sampled_from(Stage),
        st.sampled_from(Level),
        st.floats(0, 1),
        st.lists(st.sampled_from(CODES), max_size=3),
    ),
    max_size=8,
)


def test_a_cause_takes_its_consequences_and_theirs():
    chain = [
        finding("AAA102", Stage.CURVE),
        finding("AAA101", Stage.NUMERICS, explains=["AAA102"]),
        finding("AAA100", Stage.DATA, explains=["AAA101"]),
    ]
    assert shape(fold(chain)) == [("AAA100", ["AAA101", "AAA102"])]


def test_an_earlier_stage_comes_first_even_with_a_lower_level():
    late = finding("AAA101", Stage.CURVE, Level.ERROR, 0.9)
    early = finding("AAA100", Stage.DATA, Level.WARNING, 0.1)
    assert shape(fold([late, early])) == [("AAA100", []), ("AAA101", [])]


def test_a_later_stage_does_not_take_an_earlier_one():
    curve = finding("AAA101", Stage.CURVE, explains=["AAA100"])
    data = finding("AAA100", Stage.DATA)
    assert shape(fold([curve, data])) == [("AAA100", []), ("AAA101", [])]


def test_an_info_takes_nothing_and_can_be_taken_from_anywhere():
    info = finding("AAA100", Stage.DATA, Level.INFO, explains=["AAA101"])
    error = finding("AAA101", Stage.NUMERICS)
    assert shape(fold([info, error])) == [("AAA101", []), ("AAA100", [])]
    taking = finding("AAA101", Stage.NUMERICS, explains=["AAA100"])
    assert shape(fold([info, taking])) == [("AAA101", ["AAA100"])]


def test_a_circle_has_its_best_ranked_member_as_root():
    one = finding("AAA100", confidence=0.3, explains=["AAA101"])
    two = finding("AAA101", confidence=0.9, explains=["AAA100"])
    assert shape(fold([one, two])) == [("AAA101", ["AAA100"])]


@given(anything)
def test_nothing_is_lost_or_doubled(findings):
    folded = fold(findings)
    flat = [f for root in folded for f in (root, *root.consequences)]
    assert sorted(f.code for f in flat) == sorted(f.code for f in findings)


@given(anything, st.randoms(use_true_random=False))
def test_the_order_in_which_rules_ran_does_not_matter(findings, random):
    codes = list(dict.fromkeys(f.code for f in findings))
    unique = [next(f for f in findings if f.code == code) for code in codes]
    mixed = unique[:]
    random.shuffle(mixed)
    assert fold(unique) == fold(mixed)
    assert rank(unique) == rank(mixed)


@given(anything)
def test_folding_twice_changes_nothing(findings):
    once = fold(findings)
    if all(not f.consequences for f in once):
        assert fold(once) == once


@given(anything)
def test_what_is_folded_is_explained_by_something(findings):
    folded = fold(findings)
    for root in folded:
        named = {code for f in (root, *root.consequences) for code in f.explains}
        assert all(f.code in named for f in root.consequences)
