"""Schedules against torch's own, which have to be told the length of the training by hand."""

import json
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from torchclinic.core import UsageError
from torchclinic.optim import CosineDecay, WarmUp


def optimizer(lr=0.4):
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    return SGD([{"params": first.parameters()}, {"params": second.parameters(), "lr": lr / 10}], lr)


def rates(factory, steps, lr=0.4):
    chosen = optimizer(lr)
    scheduler = factory(chosen)
    found = []
    for _ in range(steps):
        found.append([group["lr"] for group in chosen.param_groups])
        chosen.step()
        scheduler.step()
    return torch.tensor(found)


def test_warm_up_is_torchs_linear_schedule():
    ours = rates(lambda o: WarmUp(share=0.2)(o, 50), 50)
    theirs = rates(lambda o: LinearLR(o, start_factor=0.01, total_iters=10), 50)
    assert torch.allclose(ours, theirs)


def test_cosine_is_torchs():
    ours = rates(lambda o: CosineDecay(floor=0.1)(o, 40), 40, lr=1.0)
    theirs = rates(lambda o: CosineAnnealingLR(o, T_max=40, eta_min=0.1), 40, lr=1.0)
    assert torch.allclose(ours[:, 0], theirs[:, 0])
    assert torch.allclose(ours[:, 1], ours[:, 0] / 10)  # torch's floor is not relative to a group


def test_warm_up_then_cosine_is_torchs_sequence():
    ours = rates(lambda o: CosineDecay(share=0.25)(o, 40), 40)

    def theirs(o):
        warm, decay = LinearLR(o, 0.01, total_iters=10), CosineAnnealingLR(o, T_max=30)
        return SequentialLR(o, [warm, decay], milestones=[10])

    assert torch.allclose(ours, rates(theirs, 40), atol=1e-6)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 500), st.integers(0, 1000))
def test_the_factor_stays_between_zero_and_one(share, floor, total, step):
    assert 0 <= CosineDecay(share=share, floor=floor).factor(step, total) <= 1 + 1e-12
    assert 0 < WarmUp(share=share).factor(step, total) <= 1 + 1e-12


@given(st.integers(1, 2000))
def test_the_warm_up_ends_at_the_full_rate_and_the_cosine_at_its_floor(total):
    assert WarmUp().factor(total, total) == pytest.approx(1.0)
    assert CosineDecay(share=0.1, floor=0.2).factor(total + 1, total) == pytest.approx(0.2)


@pytest.mark.parametrize("schedule", [WarmUp(0.3), CosineDecay(), CosineDecay(share=0.3)])
def test_factories_and_their_schedulers_can_be_saved(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    first = optimizer()
    scheduler = schedule(first, 20)
    for _ in range(7):
        first.step()
        scheduler.step()
    state = pickle.loads(pickle.dumps(scheduler.state_dict()))
    second = optimizer()
    resumed = schedule(second, 20)
    resumed.load_state_dict(state)
    first.step()
    second.step()
    scheduler.step()
    resumed.step()
    assert scheduler.get_last_lr() == resumed.get_last_lr()
    assert json.dumps(scheduler.get_last_lr())


@pytest.mark.parametrize(
    "make",
    [
        lambda: WarmUp(share=1.5),
        lambda: WarmUp(start=0.0),
        lambda: CosineDecay(floor=-0.1),
        lambda: CosineDecay(share=float("nan")),
    ],
)
def test_values_out_of_range_are_refused(make):
    with pytest.raises(UsageError):
        make()
