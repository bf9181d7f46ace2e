import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.core import Outcome
from torchclinic.study import comparison_words, healthy_verdict, judge_repair, paired_comparison
from torchclinic.study.wording import decimals_for, number

GOOD = [0.95, 0.97, 0.96, 0.97, 0.98, 0.97]
BAD = [0.1] * 6


def compare(before, after, *, higher=True, metric="accuracy", **options):
    return paired_comparison(
        before, after, seeds=range(len(before)), metric=metric, higher_is_better=higher, **options
    )


def test_better_and_the_fault_gone_is_repaired():
    verdict = judge_repair(compare(BAD, GOOD))
    assert verdict.outcome is Outcome.REPAIRED
    assert verdict.sentence == (
        "accuracy 0.10 -> 0.97 on 6 of 6 seeds, difference +0.87 [0.85, 0.88], p = 0.031"
    )


def test_better_with_a_fault_left_is_improved():
    verdict = judge_repair(compare(BAD, GOOD), remaining=["dying ReLU in layer 2"])
    assert verdict.outcome is Outcome.IMPROVED
    assert "still there: dying ReLU in layer 2" in verdict.sentence
    assert judge_repair(compare(BAD, GOOD), None, True).outcome is Outcome.IMPROVED


def test_a_lower_loss_is_better():
    verdict = judge_repair(compare([2.3] * 6, [0.2] * 6, higher=False, metric="loss"))
    assert verdict.outcome is Outcome.REPAIRED
    assert "loss 2.30 -> 0.20 (lower is better) on 6 of 6 seeds" in verdict.sentence
    assert "-2.10" in verdict.sentence


def test_a_higher_loss_is_no_repair():
    verdict = judge_repair(compare([0.2] * 6, [2.3] * 6, higher=False, metric="loss"))
    assert verdict.outcome is Outcome.NOT_REPAIRED
    assert "makes the training worse" in verdict.sentence


def test_ahead_but_not_beyond_chance_says_how_many_seeds():
    after = [0.5, 0.7, 0.9, 0.4, 0.8, 0.6]
    verdict = judge_repair(compare([0.6, 0.6, 0.5, 0.6, 0.5, 0.5], after))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "better on 4 of 6 seeds" in verdict.sentence
    needed = int(verdict.sentence.rpartition("about ")[2].split()[0])
    assert needed > 6


def test_too_few_seeds_can_never_settle_it():
    verdict = judge_repair(compare([0.1] * 3, [0.9, 0.95, 0.97]))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "3 seeds can never settle it, 6 could" in verdict.sentence


def test_a_difference_in_the_noise_is_not_worth_seeds():
    before = [0.5, 0.6, 0.7, 0.5, 0.6, 0.7]
    after = [0.4, 0.7, 0.6, 0.6, 0.5, 0.8001]
    verdict = judge_repair(compare(before, after))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "not worth more seeds" in verdict.sentence


def test_no_gain_is_not_repaired():
    verdict = judge_repair(compare([0.5] * 6, [0.5] * 6))
    assert verdict.outcome is Outcome.NOT_REPAIRED
    assert "does not help" in verdict.sentence


def test_a_control_that_does_as_well_unmakes_the_repair():
    controls = {"a plain re-run": compare(BAD, GOOD), "a random remedy": compare(GOOD, GOOD)}
    verdict = judge_repair(compare(BAD, GOOD), controls)
    assert verdict.outcome is Outcome.NOT_REPAIRED
    assert "a random remedy does as well" in verdict.sentence


def test_a_control_close_behind_leaves_it_open():
    near = [
        score + shift
        for score, shift in zip(GOOD, [0.01, -0.02, -0.02, 0.01, -0.02, 0], strict=True)
    ]
    verdict = judge_repair(compare(BAD, GOOD), {"a random remedy": compare(near, GOOD)})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "not ahead of a random remedy" in verdict.sentence


def test_a_control_with_few_seeds_is_beaten_on_each_of_them():
    assert judge_repair(compare(BAD, GOOD), {"x": compare([0.2] * 3, GOOD[:3])}).outcome is (
        Outcome.REPAIRED
    )
    behind_once = compare([0.2, 0.2, 0.99], GOOD[:3])
    assert judge_repair(compare(BAD, GOOD), {"x": behind_once}).outcome is Outcome.INCONCLUSIVE


def test_diverged_runs_are_told():
    assert "accuracy diverged -> 0.97" in comparison_words(
        compare([math.nan] * 6, GOOD, chance=0.1)
    )
    mixed = comparison_words(compare([math.nan, *BAD[1:]], GOOD))
    assert "1 of 6 runs before diverged" in mixed


def test_healthy():
    assert healthy_verdict().outcome is Outcome.HEALTHY


values = st.lists(st.floats(-5, 5).map(lambda x: round(x, 2)), min_size=8, max_size=8)


@settings(max_examples=60)
@given(values, values, st.booleans(), st.booleans())
def test_every_comparison_gets_one_consistent_verdict(before, after, higher, left):
    comparison = compare(before, after, higher=higher)
    verdict = judge_repair(comparison, None, left)
    good = verdict.outcome in (Outcome.REPAIRED, Outcome.IMPROVED)
    assert good == comparison.better
    assert verdict.comparison is comparison
    assert verdict.sentence.startswith("accuracy")
    assert "nan" not in verdict.sentence


@given(st.floats(1e-5, 1e4))
def test_a_difference_is_never_written_as_zero(difference):
    assert float(number(difference, decimals_for(difference))) == pytest.approx(difference, rel=0.1)
