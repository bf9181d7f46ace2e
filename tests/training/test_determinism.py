"""Recipe and seed decide everything, and nothing global is touched."""

import random
from functools import partial
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD

from torchclinic.core import EarlyStopping, RecipeError
from torchclinic.training import build_model, preserved, seeded, stream_seed, train
from training.parts import plain_net, recipe, rich_net, same_weights, split_recipe


def global_states():
    kind, keys, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), (kind, keys.tolist(), rest), random.getstate()


def noisy_net():
    """Draws from all three global generators, when built and in each step."""
    net = rich_net()
    with torch.no_grad():
        net[0].bias += random.random() + float(np.random.rand())
    return net


class Noise(nn.Module):
    def forward(self, x):
        return x + 0.1 * random.random() + 0.1 * np.random.randn() + 0.1 * torch.randn(())


def test_global_generators_are_bitwise_untouched():
    made = split_recipe(model=lambda: nn.Sequential(noisy_net(), Noise()))
    before = global_states()
    train(made, 3, evaluate_train=True, test=True)
    assert global_states() == before


def test_global_generators_are_untouched_after_a_failure():
    def step(model, batch):
        torch.rand(1), random.random(), np.random.rand()
        raise ValueError("no")

    before = global_states()
    with pytest.raises(Exception, match="no"):
        train(recipe(loss=None, step=step))
    assert global_states() == before


@pytest.mark.parametrize("state", [1, 2])
def test_global_seeds_do_not_matter(state):
    made = recipe(model=lambda: nn.Sequential(noisy_net(), Noise()))
    torch.manual_seed(state), random.seed(state), np.random.seed(state)
    run = train(made, 3, keep_model=True)
    torch.manual_seed(99), random.seed(99), np.random.seed(99)
    again = train(made, 3, keep_model=True)
    assert run.history.losses == again.history.losses
    assert same_weights(run.model, again.model)


def test_seeds_differ():
    made = recipe(model=rich_net)
    assert train(made, 0).history.losses != train(made, 1).history.losses


def test_evaluations_disturb_nothing():
    """Any mixture of evaluations and cuts gives the same training."""
    made = split_recipe(model=rich_net, epochs=4)
    plain = train(recipe(model=rich_net, epochs=4), 1).history.losses
    for options in ({}, {"test": True}, {"evaluate_train": True}, {"test": True, "progress": True}):
        assert train(made, 1, **options).history.losses == plain
    assert train(made, 1, max_steps=7).history.losses == plain[:7]


def test_arms_share_the_order_of_the_data():
    seen = []

    def step(model, batch):
        seen.append(batch[0][:, 0].tolist())
        return model(batch[0]).square().mean()

    train(recipe(loss=None, step=step), 4)
    train(recipe(loss=None, step=step, model=rich_net, optimizer=partial(SGD, lr=1.0)), 4)
    half = len(seen) // 2
    assert seen[:half] == seen[half:]
    assert sorted(chain(*seen[:5])) == sorted(chain(*seen[5:10]))
    assert seen[:5] != seen[5:10]


def test_a_module_is_copied_for_each_run():
    net = plain_net()
    before = [p.clone() for p in net.parameters()]
    made = recipe(model=net)
    one, two = train(made, 1, keep_model=True), train(made, 1, keep_model=True)
    assert one.history.losses == two.history.losses
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert all(p.grad is None for p in net.parameters())
    assert one.model is not net


def test_a_factory_that_returns_the_same_module_is_refused():
    net = plain_net()
    made = recipe(model=lambda: net)
    train(made)
    with pytest.raises(RecipeError, match="same Sequential again"):
        train(made)


def test_the_kept_model_is_ready_for_use():
    model = train(recipe(model=rich_net), keep_model=True).model
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert train(recipe()).model is None


def test_early_stopping_is_deterministic():
    made = split_recipe(model=rich_net, epochs=30, early_stopping=EarlyStopping(patience=2))
    one, two = train(made, 2), train(made, 2)
    assert one.history.evaluations == two.history.evaluations
    assert one.history.best_step == two.history.best_step


@settings(max_examples=25, deadline=None)
@given(st.integers(-(2**70), 2**70))
def test_any_whole_number_is_a_seed(seed):
    with seeded(seed):
        first = torch.rand(2), np.random.rand(), random.random()
    with seeded(seed):
        again = torch.rand(2), np.random.rand(), random.random()
    assert torch.equal(first[0], again[0])
    assert first[1:] == again[1:]
    assert 0 <= stream_seed(seed, "training") < 2**63


def test_the_model_seed_is_torchs_manual_seed():
    with preserved():
        torch.manual_seed(11)
        expected = nn.Linear(5, 3).weight
    assert torch.equal(build_model(recipe(model=partial(nn.Linear, 5, 3)), 11).weight, expected)


def test_nested_streams_restore_their_own_level():
    with seeded(1):
        outer = torch.rand(1)
        with seeded(2):
            torch.rand(5)
        after = torch.rand(1)
    with seeded(1):
        assert torch.equal(torch.rand(1), outer)
        assert torch.equal(torch.rand(1), after)
