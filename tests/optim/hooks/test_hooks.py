"""Hooks: what they do at a step, that they can be saved, resumed and removed."""

import pickle
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import Recipe, UsageError
from torchclinic.optim import GradientNoise, GradualUnfreezing, MaxNorm, grouped, hooked, make
from torchclinic.optim.groups import LayerWise
from torchclinic.training import Checkpoints, train

HOOKS = [GradientNoise(eta=0.1), MaxNorm(0.4), GradualUnfreezing(every=4)]
ids = [type(hook).__name__ for hook in HOOKS]


def net():
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))


def recipe(*hooks, **fields):
    x = torch.randn(32, 3, generator=torch.Generator().manual_seed(0))
    return Recipe(
        model=net,
        loss=nn.MSELoss(),
        data=(x, x.sum(1, keepdim=True)),
        optimizer=hooked(make("sgd", lr=0.05), *hooks),
        batch_size=8,
        steps=14,
        **fields,
    )


@pytest.mark.parametrize("hook", HOOKS, ids=ids)
def test_a_training_with_a_hook_is_another_and_reproducible(hook):
    plain = train(recipe(hook).replace(optimizer=make("sgd", lr=0.05)))
    first, second = train(recipe(hook)), train(recipe(hook))
    assert first.history.losses == second.history.losses
    assert first.history.losses != plain.history.losses


@pytest.mark.parametrize("hook", HOOKS, ids=ids)
def test_a_resumed_training_goes_on_as_it_would_have(hook, tmp_path):
    whole = train(recipe(hook))
    folder = Checkpoints(tmp_path / "run", steps=1, seconds=None)
    train(recipe(hook), max_steps=6, checkpoint=folder)
    assert train(recipe(hook), checkpoint=folder).history.losses == whole.history.losses


@pytest.mark.parametrize("hook", HOOKS, ids=ids)
def test_hooks_leave_the_global_generator_and_can_be_removed_and_pickled(hook):
    assert pickle.loads(pickle.dumps(hook)) == hook
    factory = hooked(make("sgd", lr=0.1), hook)
    assert pickle.loads(pickle.dumps(factory)) == factory
    model = net()
    with torch.no_grad():
        model[4].weight.fill_(5.0)
    optimizer = SGD(model.parameters(), lr=0.0)
    handle = hook.attach(optimizer, model)
    model(torch.ones(2, 3)).sum().backward()
    before = torch.get_rng_state()
    optimizer.step()
    assert torch.equal(before, torch.get_rng_state())
    handle.remove()
    with torch.no_grad():
        model[4].weight.fill_(5.0)
    gradient = model[4].weight.grad.clone()
    flags = [p.requires_grad for p in model.parameters()]
    for _ in range(10):
        optimizer.step()
    assert (model[4].weight == 5.0).all()
    assert torch.equal(model[4].weight.grad, gradient)
    assert [p.requires_grad for p in model.parameters()] == flags


def test_noise_has_the_variance_of_the_paper_at_each_step():
    weight = torch.zeros(200, 200, requires_grad=True)
    optimizer = SGD([weight], lr=0.0)
    hook = GradientNoise(eta=0.3, gamma=0.55)
    hook.attach(optimizer)
    drawn = []
    for step in range(4):
        weight.grad = torch.zeros(200, 200)
        optimizer.step()
        drawn.append(weight.grad.flatten())
        expected = (0.3 / (1 + step) ** 0.55) ** 0.5
        # the standard deviation of 40,000 numbers is known to 0.35 %; 5 sigma
        assert weight.grad.std().item() == pytest.approx(expected, rel=0.018)
        assert abs(weight.grad.mean().item()) < 5 * expected / 200
    apart = torch.corrcoef(torch.stack(drawn)) - torch.eye(4)
    assert apart.abs().max() < 0.03


def test_noise_differs_between_parameters_and_seeds_and_leaves_those_without_gradient():
    def drawn(seed):
        first, second, still = (torch.zeros(50, requires_grad=True) for _ in range(3))
        optimizer = SGD([first, second, still], lr=0.0)
        GradientNoise(seed=seed).attach(optimizer)
        first.grad, second.grad = torch.zeros(50), torch.zeros(50)
        optimizer.step()
        assert still.grad is None
        return first.grad, second.grad

    (one, two), (other, _) = drawn(0), drawn(1)
    assert not torch.allclose(one, two)
    assert not torch.allclose(one, other)


def test_sparse_gradients_are_left_without_noise():
    layer = nn.Embedding(4, 2, sparse=True)
    optimizer = SGD(layer.parameters(), lr=0.0)
    GradientNoise().attach(optimizer)
    layer(torch.tensor([1])).sum().backward()
    optimizer.step()
    assert layer.weight.grad.coalesce().values().tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("layer", "axis"),
    [
        (nn.Linear(6, 4), 0),
        (nn.Conv2d(3, 4, 3), 0),
        (nn.ConvTranspose2d(3, 4, 3), 1),
        (nn.Embedding(7, 5), 0),
    ],
    ids=["linear", "conv", "transposed", "embedding"],
)
def test_rows_are_shortened_to_the_limit_and_short_ones_left(layer, axis):
    with torch.no_grad():
        rows = layer.weight.movedim(axis, 0)
        rows[0].mul_(0.1 / rows[0].norm())
        rows[1].mul_(9.0 / rows[1].norm())
    before = layer.weight.detach().clone().movedim(axis, 0)
    MaxNorm(0.5).shorten(layer)
    after = layer.weight.detach().movedim(axis, 0)
    assert torch.equal(after[0], before[0])
    assert after[1].norm().item() == pytest.approx(0.5, rel=1e-4)
    assert torch.allclose(after[1] / after[1].norm(), before[1] / before[1].norm(), atol=1e-6)
    assert all(row.norm() <= 0.5 + 1e-4 for row in after)


def test_max_norm_holds_after_each_step_of_a_training_and_leaves_biases():
    model = net()
    optimizer = hooked(make("sgd", lr=5.0), MaxNorm(0.3))(model)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()
        for layer in (model[0], model[2], model[4]):
            assert (layer.weight.norm(dim=1) <= 0.3 + 1e-4).all()
    assert model[4].bias.norm() > 0.3


def test_unfreezing_goes_from_the_last_layer_to_the_first():
    model = net()
    optimizer = hooked(make("sgd", lr=0.1), GradualUnfreezing(every=2))(model)
    seen = []
    for _ in range(6):
        seen.append([layer.weight.requires_grad for layer in (model[0], model[2], model[4])])
        optimizer.zero_grad()
        model(torch.ones(4, 3)).sum().backward()
        optimizer.step()
    assert seen == [
        [False, False, True],
        [False, False, True],
        [False, True, True],
        [False, True, True],
        [True, True, True],
        [True, True, True],
    ]


def test_stages_of_ones_own_leave_the_rest_as_it_is():
    model = net()
    model[0].requires_grad_(False)
    optimizer = SGD(model.parameters(), lr=0.1)
    GradualUnfreezing(every=1, stages=(("4",), ("2.weight",))).attach(optimizer, model)
    assert [p.requires_grad for p in model.parameters()] == [False, False, False, True, True, True]
    optimizer.step()
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True, True, True]


def test_a_frozen_layer_does_not_move_until_its_turn():
    model = net()
    before = model[0].weight.detach().clone()
    factory = hooked(make("adamw", lr=0.1), GradualUnfreezing(every=3))
    optimizer = factory(model)
    for step in range(8):
        optimizer.zero_grad()
        model(torch.ones(4, 3)).sum().backward()
        optimizer.step()
        assert torch.equal(model[0].weight, before) == (step < 6)


def test_groups_and_hooks_go_together():
    factory = hooked(grouped(make("adamw", lr=0.1), LayerWise(0.5)), GradientNoise(), MaxNorm(1.0))
    optimizer = factory(net())
    assert sorted({group["lr"] for group in optimizer.param_groups}) == [0.025, 0.05, 0.1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GradientNoise(eta=-1.0), "eta and gamma"),
        (lambda: GradientNoise(gamma=float("nan")), "eta and gamma"),
        (lambda: MaxNorm(0.0), "limit is 0.0"),
        (lambda: MaxNorm(1.0, ("*.bias",)).shorten(net()), "none of"),
        (lambda: MaxNorm(1.0).attach(SGD(net().parameters())), "needs the model"),
        (lambda: GradualUnfreezing(every=0), "every is 0"),
        (lambda: GradualUnfreezing(every=1).attach(SGD(net().parameters())), "needs the model"),
        (lambda: hooked(make("sgd", lr=0.1)), "no hook"),
        (lambda: hooked(partial(SGD, lr=0.1), MaxNorm(1.0, ("9",)))(net()), "matches '9'"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()
