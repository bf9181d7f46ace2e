"""The level of overfitting where more rows would help."""

from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp
from rules.sick_data import answering
from torchclinic.core import Evaluation, FewerRowsFacts, Level
from torchclinic.rules import RULES
from torchclinic.rules.more_rows import known_apart, more_rows, too_few


def few_rows(half, full, *, other=None, own=0.99, rows=60):
    """Validation accuracies after learning from each half of the rows and from all of them."""
    case = digits_mlp()
    curves = {
        "train": ([1.0, 0.3, 0.1, 0.05], [0.5, 0.9, own, own]),
        "validation": ([1.5, 1.1, 1.05, 1.0], [full] * 4),
    }
    ends = tuple(
        Evaluation(100 * (k + 1), split, losses[k], metrics[k])
        for k in range(4)
        for split, (losses, metrics) in curves.items()
    )
    halves = tuple(
        FewerRowsFacts(1.4, share, answering(share, 300))
        for share in (half, half if other is None else other)
    )
    return replace(
        case,
        recipe=replace(case.recipe, train_rows=rows),
        batch=replace(case.batch, labels=None),
        history=replace(case.history, evaluations=ends),
        predictions=answering(full, 300),
        fewer=halves,
    )


def overfitting(case):
    return next(iter(RULES["CRV103"].check(case)), None)


def test_two_points_of_a_power_law_give_the_third():
    found = more_rows(few_rows(0.5, 0.75))
    unknown = [1 - found.half, 1 - found.full, 1 - found.twice]
    assert unknown[1] / unknown[0] == pytest.approx(unknown[2] / unknown[1])
    assert found.gain == pytest.approx(found.twice - found.full)


def test_a_slice_is_told_by_what_each_half_of_it_teaches():
    finding = overfitting(few_rows(0.5, 0.72))
    assert finding.level is Level.WARNING
    assert finding.title.startswith("60 rows are few")
    assert "debugging" in finding.explanation
    many = overfitting(few_rows(0.5, 0.72, rows=2000))
    assert many.title.startswith("2,000 rows are few")
    assert "debugging" not in many.explanation


@pytest.mark.parametrize(
    ("half", "full", "why"),
    [
        (0.71, 0.72, "a ceiling: labels that are wrong, or inputs that tell no more"),
        (0.72, 0.70, "half of the rows do as well"),
        (0.92, 0.95, "nothing is left to wish for"),
    ],
)
def test_rows_that_would_add_nothing_are_not_missed(half, full, why):
    finding = overfitting(few_rows(half, full))
    assert finding is None or finding.level is Level.INFO, why


def test_halves_that_differ_by_chance_prove_nothing():
    assert too_few(few_rows(0.6, 0.72)) is not None
    assert too_few(few_rows(0.45, 0.72, other=0.75)) is None


def test_a_training_that_knows_its_own_rows_no_better_is_not_overfitting():
    case = few_rows(0.5, 0.72, own=0.75)
    assert not known_apart(case)
    assert too_few(case) is None


def test_without_a_trial_nothing_changes():
    case = replace(few_rows(0.5, 0.72), fewer=())
    assert more_rows(case) is None
    assert overfitting(case).level is Level.INFO
