"""The run once more: to the operation that breaks it, at another rate, for longer."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from torchclinic.clinic.afterwards import breakdown, longer_trial, rate_trial
from torchclinic.core import BatchFacts, Case, InputFacts, Recipe, Splits, TargetFacts
from torchclinic.training import train

G = torch.Generator().manual_seed(0)
X = torch.randn(96, 4, generator=G)
Y = X @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]])
DATA = Splits((X[:64], Y[:64]), (X[64:], Y[64:]))


def recipe(**fields):
    plain = {
        "model": partial(nn.Linear, 4, 1),
        "data": DATA,
        "loss": nn.MSELoss(),
        "optimizer": partial(SGD, lr=0.1),
        "steps": 30,
        "batch_size": None,
    }
    return Recipe(**{**plain, **fields})


def broken(found):
    return breakdown(found, 0, train(found, 0).history)


def test_a_run_that_does_not_break_has_no_breakdown():
    assert broken(recipe()) is None


def test_a_root_at_zero_is_found_behind_a_finite_loss():
    def step(model, batch):
        out = model(batch[0])
        return (out - out.detach()).abs().sum(1).sqrt().mean() + out.square().mean()

    found = broken(recipe(loss=None, step=step))
    assert (found.where, found.operation) == ("gradient", "sqrt")
    assert found.step == 1
    assert math.isfinite(found.loss)
    assert found.line.startswith("test_afterwards.py:")
    assert "sqrt()" in found.line


def test_a_logarithm_of_zero_is_found_in_the_loss():
    def loss(output, target):
        return -(target.sign() * output.clamp(0, 1).log()).mean()

    found = broken(recipe(loss=loss))
    assert (found.where, found.operation, found.low) == ("loss", "log", 0.0)


def test_an_overflow_in_the_model_is_found_with_its_numbers():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 1)

        def forward(self, x):
            return (1e4 * self.linear(x)).exp()

    found = broken(recipe(model=Net))
    assert (found.where, found.operation) == ("outputs", "exp")
    assert found.high > 80


@pytest.mark.parametrize("later", [3, 11])
def test_a_break_is_found_at_its_step(later):
    calls = []

    def step(model, batch):
        calls.append(model.training)
        out = model(batch[0])
        value = (out - batch[1]).square().mean()
        here = sum(calls) - 1
        return value / (0.0 if here == later - 1 else 1.0) if model.training else value

    plain = recipe(loss=None, step=step, data=Splits(DATA.train))
    history = train(plain, 0).history
    assert not math.isfinite(history.losses[later - 1])
    calls.clear()
    assert breakdown(plain, 0, history).step == later


def case_of(found):
    run = train(found, 0, evaluate_train=True)
    batch = BatchFacts(
        InputFacts("real"), TargetFacts("real", mean=0.0, std=2.3), expected_loss=float(Y.var())
    )
    return Case(batch=batch, history=run.history)


def test_a_rate_that_is_too_low_is_shown_by_one_that_gets_farther():
    slow = recipe(optimizer=partial(SGD, lr=1e-4))
    trial = rate_trial(slow, 0, case_of(slow), 1e-3)
    assert trial.rate > 10 * trial.configured
    assert trial.tried < 0.5 * trial.loss
    again = train(recipe(optimizer=partial(SGD, lr=trial.rate)), 0)
    assert again.history.last("validation").loss == pytest.approx(trial.tried)


def test_a_training_that_learns_is_not_tried_again():
    fine = recipe()
    assert rate_trial(fine, 0, case_of(fine), 1e-3) is None
    assert longer_trial(fine, 0, case_of(fine), 1e-3) is None


def test_a_trial_that_would_take_too_long_is_left_out():
    slow = recipe(optimizer=partial(SGD, lr=1e-4))
    assert rate_trial(slow, 0, case_of(slow), 10.0) is None


def test_the_given_optimizer_and_the_global_generator_are_left_alone():
    slow = recipe(optimizer=partial(SGD, lr=1e-4))
    case, state = case_of(slow), torch.get_rng_state()
    rate_trial(slow, 0, case, 1e-3)
    assert slow.optimizer.keywords == {"lr": 1e-4}
    assert torch.equal(torch.get_rng_state(), state)
