"""Schedules, penalties and clipping, each member with its own."""

from functools import partial

import pytest
from torch import nn, optim
from torch.optim import lr_scheduler as schedulers

from engine.stacked.parts import assert_same, net, recipe
from torchclinic.core import Penalty, Schedule
from torchclinic.engine import run_arms
from torchclinic.engine.stacked import plan_stacks, why_not_stacked

MOMENTUM = partial(optim.SGD, lr=0.05, momentum=0.8)
SCHEDULES = {
    "step, per epoch": lambda o: schedulers.StepLR(o, 5, gamma=0.5),
    "cosine, per step": Schedule(schedulers.CosineAnnealingLR),
    "one cycle": Schedule(lambda o, n: schedulers.OneCycleLR(o, 0.2, total_steps=n)),
    "cyclic": Schedule(lambda o, n: schedulers.CyclicLR(o, 0.01, 0.1, step_size_up=20)),
    "restarts": Schedule(lambda o, n: schedulers.CosineAnnealingWarmRestarts(o, 30)),
    "warm-up": Schedule(
        lambda o, n: schedulers.SequentialLR(
            o,
            [schedulers.LinearLR(o, 0.1, total_iters=20), schedulers.ExponentialLR(o, 0.99)],
            milestones=[20],
        )
    ),
    "cosine, per epoch": Schedule(schedulers.CosineAnnealingLR, per="epoch"),
    "plateau": lambda o: schedulers.ReduceLROnPlateau(o, patience=1, factor=0.5),
    "plateau of the metric": lambda o: schedulers.ReduceLROnPlateau(o, mode="max", patience=0),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    assert_same({"a": recipe(optimizer=MOMENTUM, schedule=SCHEDULES[name])})


def test_one_cycle_moves_adams_beta():
    schedule = Schedule(lambda o, n: schedulers.OneCycleLR(o, 0.02, total_steps=n))
    assert_same({"a": recipe(optimizer=optim.Adam, schedule=schedule)})


def test_all_schedules_go_in_one_stack():
    arms = {name: recipe(optimizer=MOMENTUM, schedule=made) for name, made in SCHEDULES.items()}
    assert len(plan_stacks(arms, [0]).groups) == 1
    assert_same({**arms, "none": recipe(optimizer=MOMENTUM)}, seeds=[0])


def test_a_plateau_without_validation_goes_by_the_training_loss():
    data = recipe().splits.train
    assert_same({"a": recipe(data=data, schedule=SCHEDULES["plateau"])})


PENALTIES = {
    "l1": (Penalty("l1", 1e-3),),
    "l2": (Penalty("l2", 1e-2),),
    "both": (Penalty("l1", 1e-3), Penalty("l2", 1e-2, skip_norms_and_biases=False)),
    "one layer": (Penalty("l2", 1e-1, parameters="0.*"),),
}


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("layer", [nn.Tanh, nn.LogSigmoid], ids=["perceptron", "mapped"])
def test_penalties(name, layer):
    assert_same({"a": recipe(model=net(layer), penalties=PENALTIES[name])}, seeds=[0])


@pytest.mark.parametrize(
    "clipping",
    [{"clip_norm": 0.3}, {"clip_value": 0.02}, {"clip_norm": 0.3, "clip_value": 0.02}],
    ids=str,
)
@pytest.mark.parametrize("optimizer", [partial(optim.SGD, lr=0.3), optim.Adam], ids=["sgd", "adam"])
def test_clipping(clipping, optimizer):
    assert_same({"a": recipe(optimizer=optimizer, penalties=PENALTIES["l2"], **clipping)})


def test_strengths_may_differ_in_one_stack():
    arms = {
        str(strength): recipe(
            penalties=(Penalty("l1", strength / 100), Penalty("l2", strength / 10)),
            clip_norm=strength,
            clip_value=strength / 10,
        )
        for strength in (0.01, 0.1, 1.0)
    }
    assert len(plan_stacks(arms, [0]).groups) == 1
    assert_same(arms)


def test_a_penalty_that_stacks_do_not_know_is_run_alone():
    alone = recipe(penalties=(Penalty("orthogonal", 0.1),))
    assert "orthogonal" in (why_not_stacked(alone) or "")
    stacked = run_arms({"a": alone}, [0], engine="stacked", max_steps=9)["a"][0]
    plain = run_arms({"a": alone}, [0], max_steps=9)["a"][0]
    assert stacked.run.history.losses == plain.run.history.losses
    assert "orthogonal" in stacked.note
