"""Schedules: what ReduceLROnPlateau sees, and what cannot be scheduled."""

from functools import partial

import pytest
from torch import nn
from torch.optim.lr_scheduler import LinearLR, OneCycleLR, ReduceLROnPlateau

from torchclinic.core import RecipeError, Schedule, Splits
from torchclinic.training import train
from training.parts import recipe, rows, split_recipe

SEEN = []


class Spy(ReduceLROnPlateau):
    def step(self, metrics, epoch=None):
        SEEN.append(metrics)
        super().step(metrics)


@pytest.fixture(autouse=True)
def _fresh():
    SEEN.clear()


def test_a_plateau_of_the_validation_loss():
    history = train(split_recipe(schedule=Spy, epochs=4)).history
    assert [value for _, value in history.curve("validation")] == SEEN
    assert len(SEEN) == 4


def test_a_plateau_of_the_metric():
    history = train(split_recipe(schedule=partial(Spy, mode="max"), epochs=4)).history
    assert [value for _, value in history.curve("validation", "metric")] == SEEN


def test_a_plateau_without_validation_takes_the_mean_training_loss():
    history = train(recipe(schedule=Spy, epochs=2)).history
    losses = history.losses
    assert pytest.approx([sum(losses[:5]) / 5, sum(losses[5:]) / 5], rel=1e-12) == SEEN


def test_a_plateau_is_looked_at_each_epoch_whatever_the_cadence():
    history = train(split_recipe(schedule=Spy, steps=35)).history
    assert len(SEEN) == 6  # five updates an epoch, and the run ends within the last
    assert {step for step, _ in history.curve("validation")} >= {5, 10, 15, 20, 25, 30}


def test_a_plateau_lowers_the_rate():
    made = split_recipe(schedule=partial(ReduceLROnPlateau, patience=0, threshold=10.0), epochs=3)
    rates = train(made).history.learning_rates
    assert rates == pytest.approx([0.1] * 5 + [0.01] * 5 + [0.001] * 5)


@pytest.mark.parametrize(
    ("per", "fields", "total"),
    [
        ("step", {"epochs": 3}, 15),
        ("step", {"epochs": 3, "accumulate": 2}, 9),
        ("step", {"steps": 8}, 8),
        ("epoch", {"epochs": 3}, 3),
        ("epoch", {"steps": 8}, 2),
    ],
)
def test_the_factory_is_told_the_length(per, fields, total):
    told = []

    def factory(optimizer, length):
        told.append(length)
        return LinearLR(optimizer, total_iters=length)

    train(recipe(schedule=Schedule(factory, per=per), **fields), max_steps=1)
    assert told == [total]


class Stream:
    def __iter__(self):
        return iter([rows()])


@pytest.mark.parametrize(
    ("schedule", "fields", "words"),
    [
        (Schedule(OneCycleLR, name="cycle"), {}, "the schedule raised ValueError"),
        (lambda optimizer: 3, {}, "returned 3 of type int"),
        (Schedule(lambda o, n: ReduceLROnPlateau(o)), {}, "nothing to look at"),
        (partial(ReduceLROnPlateau, mode="max"), {}, "needs a metric"),
        (
            Schedule(lambda o, n: LinearLR(o), name="ramp"),
            {"data": Stream(), "epochs": 2},
            "'ramp' needs the number of steps, but Stream does not say",
        ),
        (Schedule(lambda o, n: LinearLR(o), per="epoch"), {"data": Stream(), "steps": 2}, "epochs"),
    ],
)
def test_what_cannot_be_scheduled(schedule, fields, words):
    with pytest.raises(RecipeError, match=words):
        train(recipe(schedule=schedule, **fields))


def test_a_stream_can_be_scheduled_by_steps():
    schedule = Schedule(lambda o, n: LinearLR(o, total_iters=n))
    made = recipe(
        data=Splits(train=Stream()), schedule=schedule, steps=4, loss=nn.CrossEntropyLoss()
    )
    assert len(train(made).history.losses) == 4
