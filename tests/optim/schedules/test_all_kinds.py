"""What holds for every schedule: previews, pickles, checkpoints, groups, trainings."""

import dataclasses
import pickle
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import Recipe, Schedule, Splits, UsageError
from torchclinic.optim import (
    SCHEDULES,
    CosineDecay,
    WarmUp,
    compose,
    cosine,
    of_torch,
    triangular,
    warm_up,
)
from torchclinic.optim.schedules import TORCH_SCHEDULES
from torchclinic.training import Checkpoints, train

VALUES = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8]
TORCHS = {
    "ConstantLR": {},
    "CosineAnnealingLR": {},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 3, "cycle_momentum": False},
    "ExponentialLR": {"gamma": 0.9},
    "LambdaLR": {"lr_lambda": lambda step: 1 / (1 + step)},
    "LinearLR": {},
    "MultiStepLR": {"milestones": [2, 5]},
    "MultiplicativeLR": {"lr_lambda": lambda step: 0.9},
    "OneCycleLR": {"max_lr": 0.5},
    "PolynomialLR": {},
    "ReduceLROnPlateau": {"patience": 1},
    "StepLR": {"step_size": 2},
}


def everything():
    found = {name: SCHEDULES[name].make() for name in SCHEDULES}
    found |= {name: of_torch(name, **options) for name, options in TORCHS.items()}
    found["composed"] = compose(warm_up(1.0), triangular(), cosine(), at=[0.2, 0.7])
    found["share warm-up"] = Schedule(WarmUp())
    found["share cosine"] = Schedule(CosineDecay(share=0.1))
    return found


ALL = everything()


def test_every_scheduler_of_torch_is_offered():
    assert set(TORCHS) == set(TORCH_SCHEDULES)


def data():
    x = torch.randn(24, 3, generator=torch.Generator().manual_seed(0))
    return Splits(train=(x, x.sum(1, keepdim=True)), validation=(x, x.sum(1, keepdim=True)))


def recipe(schedule, **fields):
    return Recipe(
        model=partial(nn.Linear, 3, 1),
        loss=nn.MSELoss(),
        data=data(),
        optimizer=partial(SGD, lr=0.02),
        schedule=schedule,
        batch_size=8,
        epochs=8,
        **fields,
    )


@pytest.mark.parametrize("name", ALL)
def test_the_preview_is_what_a_training_does(name):
    history = train(recipe(ALL[name])).history
    assert len(history.learning_rates) == 24
    values = [loss for _, loss in history.curve("validation")]
    shown = ALL[name].preview(24, lr=0.02, steps_per_epoch=3, values=values)
    assert history.learning_rates == pytest.approx(shown)


@pytest.mark.parametrize("name", ALL)
def test_rates_are_positive_and_finite_and_not_all_the_same(name):
    rates = ALL[name].preview(100, lr=0.3, values=VALUES * 10)
    assert len(rates) == 100
    assert all(0 <= rate < 100 for rate in rates)
    assert len(set(rates)) > 1


@pytest.mark.parametrize("name", ALL)
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(name, tmp_path):
    whole = train(recipe(ALL[name]))
    folder = Checkpoints(tmp_path / "run", steps=1, seconds=None)
    train(recipe(ALL[name]), max_steps=10, checkpoint=folder)
    resumed = train(recipe(ALL[name]), checkpoint=folder)
    assert resumed.history.learning_rates == whole.history.learning_rates
    assert resumed.history.losses == whole.history.losses


@pytest.mark.parametrize("name", [*SCHEDULES, "composed"])
def test_groups_keep_their_ratio(name):
    groups = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = SGD([{"params": groups[:1]}, {"params": groups[1:], "lr": 0.03}], lr=0.3)
    scheduler = ALL[name].factory(optimizer, 40)
    for step in range(40):
        first, second = (group["lr"] for group in optimizer.param_groups)
        assert second == pytest.approx(first / 10, abs=1e-12)
        optimizer.step()
        scheduler.step(*([VALUES[step % 10]] if name == "plateau" else []))


@pytest.mark.parametrize("name", [*SCHEDULES, "composed", "StepLR", "PolynomialLR"])
def test_schedules_can_be_pickled_and_say_what_they_are(name):
    schedule = ALL[name]
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert again.preview(20, values=VALUES * 2) == schedule.preview(20, values=VALUES * 2)
    assert schedule.name != "schedule"
    assert " at 0x" not in repr(schedule)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_member_is_described(name):
    kind = SCHEDULES[name]
    assert kind.name == name
    assert all(getattr(kind, field.name) for field in dataclasses.fields(kind))
    assert "Source:" in kind.make.__doc__
    assert "UsageError" in kind.make.__doc__


@pytest.mark.parametrize("name", SCHEDULES)
def test_one_step_is_enough_or_refused_in_words(name):
    if name in ("triangular", "triangular2", "exp-range", "cosine-restarts", "plateau"):
        assert len(ALL[name].preview(1, values=[])) == 1
    elif name == "one-cycle":
        with pytest.raises(UsageError, match="no step long"):
            ALL[name].preview(1)
    else:
        assert ALL[name].preview(1, lr=0.5)[0] <= 0.5
