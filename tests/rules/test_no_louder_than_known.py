"""Findings are no louder than what is known of the training."""

from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp, evaluations, falling, flat, table_regression
from rules.sick_cases import with_batch, with_inputs, with_losses, with_recipe, with_targets
from torchclinic.core import LabelFacts, Level, RateTrialFacts
from torchclinic.rules import judge


def named(case, code):
    return next((f for f in judge(case).flat() if f.code == code), None)


@pytest.mark.parametrize(
    ("ratio", "level"), [(3.0, "info"), (250.0, "warning"), (0.004, "warning")]
)
def test_inputs_of_another_unit_are_loud_though_validation_does_not_suffer(ratio, level):
    assert named(with_inputs(digits_mlp(), scale_ratio=ratio), "DAT105").level.value == level


def reconstruction():
    """What a step makes of its batch need not be about the targets beside it."""
    case = with_batch(table_regression(), labels=LabelFacts(800, 0.97, 0.0, 30.0))
    losses = evaluations([0.8, 0.6, 0.5, 0.45], [0.8, 0.62, 0.52, 0.47])
    return replace(case, history=replace(case.history, evaluations=losses))


def test_neighbours_know_the_targets_of_a_loss_and_not_those_of_a_step():
    assert named(reconstruction(), "CRV105").level is Level.WARNING
    assert named(with_recipe(reconstruction(), custom_step=True), "CRV105") is None


def test_targets_that_a_step_may_not_read_may_all_be_the_same():
    case = with_targets(table_regression(), minimum=0.0, maximum=0.0)
    assert named(case, "DAT103").level is Level.WARNING
    assert named(with_recipe(case, custom_step=True), "DAT103").level is Level.INFO


def learning_to(final, other):
    """A training that falls to `final` and would have fallen to `other` at ten times the rate."""
    case = with_losses(digits_mlp(), falling(2.3, final))
    ends = evaluations([2.0, 1.5, 1.2, final], [2.0, 1.5, 1.2, final])
    case = replace(case, history=replace(case.history, evaluations=ends))
    rate = max(case.history.learning_rates)
    trial = RateTrialFacts(rate, 10 * rate, len(case.history.losses), "validation", final, other)
    return replace(case, trial=trial)


def test_a_rate_that_could_be_better_is_no_fault_of_a_training_that_learns():
    assert named(learning_to(0.6, 0.15), "LRN101").level is Level.INFO
    assert named(learning_to(1.0, 0.1), "LRN101").level is Level.WARNING
    assert named(learning_to(0.6, 0.5), "LRN101") is None


def plateau_at(level, shape):
    case = with_inputs(with_losses(digits_mlp(), flat(level)), kind="tokens")
    case = with_targets(case, shape=shape)
    ends = evaluations([2.3, level, level, level], [2.3, level, level, level])
    return replace(case, history=replace(case.history, evaluations=ends))


def test_tokens_may_have_no_more_to_tell():
    """A text can be predicted to its entropy and no further."""
    assert named(plateau_at(1.8, (64,)), "CRV101").level is Level.WARNING
    assert named(plateau_at(1.8, (64, 30)), "CRV101").level is Level.INFO
    assert named(plateau_at(2.28, (64, 30)), "CRV101").level is Level.ERROR


def test_a_handful_of_updates_is_said_to_be_few():
    case = with_losses(digits_mlp(), flat(2.3, steps=20))
    history = replace(case.history, learning_rates=(0.1,) * 20, evaluations=())
    assert "20 updates says" in named(replace(case, history=history), "CRV101").explanation
