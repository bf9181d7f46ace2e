"""Trainings of a few updates: too short where a longer one shows it, else another fault's."""

from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp, flat
from rules.sick_cases import with_losses
from torchclinic.core import Level, RateTrialFacts
from torchclinic.rules import judge


def brief(steps=20, level=2.29, tried=1.0, **history):
    case = with_losses(digits_mlp(), flat(level, steps), planned_steps=steps, **history)
    case = replace(case, lr_range=None, predictions=None)
    if tried is None:
        return case
    return replace(case, longer=RateTrialFacts(0.1, 0.1, 160, "validation", level, tried))


def first(case):
    return judge(case).findings[0]


def test_a_run_that_learns_when_it_is_longer_is_too_short():
    found = first(brief())
    assert (found.code, found.level) == ("CRV104", Level.WARNING)
    assert "53% of an epoch; were epochs meant" in found.explanation
    assert "160 steps end at 1, in place of 2.29" in found.explanation
    assert [f.code for f in found.consequences] == ["CRV101"]


def test_whole_epochs_are_not_asked_about():
    assert "epochs meant" not in first(brief(80)).explanation


@pytest.mark.parametrize(
    "case",
    [
        brief(tried=2.28),  # a longer one gets no farther
        brief(tried=None),  # none was made, and nothing falls
        brief(200),  # not short
    ],
)
def test_a_loss_that_more_steps_do_not_move_stays_a_plateau(case):
    assert first(case).code == "CRV101"
    assert "CRV104" not in {f.code for f in judge(case).flat()}


def test_a_larger_rate_is_named_only_where_a_longer_run_is_no_better():
    trial = RateTrialFacts(0.1, 1.0, 20, "validation", 2.29, 1.0)
    assert first(replace(brief(), trial=trial)).code == "CRV104"
    assert first(replace(brief(tried=2.28), trial=trial)).code == "LRN101"


def test_a_brief_training_that_learns_well_is_left_alone():
    case = digits_mlp()
    short = with_losses(case, case.history.losses[::10], planned_steps=40)
    assert all(f.level is Level.INFO for f in judge(short).flat())
