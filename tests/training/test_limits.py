"""Adaptive clipping, the max-norm constraint and the penalties, each against loops by hand."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn, optim

from torchclinic.core import Penalty, RecipeError, UsageError
from torchclinic.functional import orthogonality
from torchclinic.training import agc_, elastic_net, max_norm_, train
from torchclinic.training.penalties import Penalties, weight_names
from training.parts import recipe, rich_net, rows, same_weights
from training.test_resume import check_resume

SHAPES = [(6,), (), (4, 3), (5, 2, 3, 3), (3, 4, 2)]


def parameter(shape, scale, seed=0):
    generator = torch.Generator().manual_seed(seed)
    made = nn.Parameter(0.1 * torch.randn(shape, generator=generator, dtype=torch.float64))
    made.grad = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    return made


def clipped_by_hand(weight, gradient, clipping, eps):
    if weight.dim() < 2:
        weight, gradient = weight.reshape(1, -1), gradient.reshape(1, -1)
    done = gradient.clone()
    for unit in range(len(weight)):
        norm = math.sqrt(sum(float(v) ** 2 for v in gradient[unit].flatten()))
        own = math.sqrt(sum(float(v) ** 2 for v in weight[unit].flatten()))
        most = clipping * max(own, eps)
        if norm > most:
            done[unit] = gradient[unit] * most / norm
    return done


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1e-5, 1e-2, 10.0])
def test_agc_by_hand(shape, scale):
    made = parameter(shape, scale)
    before, expected = made.detach().clone(), clipped_by_hand(made.data, made.grad, 0.02, 1e-3)
    agc_([made], 0.02)
    torch.testing.assert_close(made.grad, expected.reshape(shape))
    assert torch.equal(made.detach(), before)


@given(st.floats(1e-4, 1.0), st.floats(1e-6, 1e3), st.integers(0, 50))
def test_no_unit_exceeds_its_share(clipping, scale, seed):
    made = parameter((4, 3), scale, seed)
    agc_(made, clipping)
    for row, own in zip(made.grad, made.detach(), strict=True):
        assert float(row.norm()) <= clipping * max(float(own.norm()), 1e-3) * (1 + 1e-9)


def test_agc_of_a_unit_that_is_zero_and_of_what_has_no_gradient():
    zero, bare = nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.ones(2))
    zero.grad = torch.ones(2, 3)
    agc_([zero, bare], 0.1)
    assert zero.grad.norm(dim=1).tolist() == pytest.approx([1e-4, 1e-4])
    assert bare.grad is None
    made = parameter((2, 2), 1.0)
    made.grad[0, 0] = math.nan
    agc_(made)
    assert bool(made.grad[0].isnan().any())
    assert bool(made.grad[1].isfinite().all())


def test_agc_of_a_sparse_gradient():
    sparse, dense = (nn.Embedding(9, 4, sparse=flag, dtype=torch.float64) for flag in (True, False))
    dense.load_state_dict(sparse.state_dict())
    for layer in (sparse, dense):
        layer(torch.tensor([1, 1, 7])).square().sum().backward()
        agc_(layer.parameters(), 0.05)
    assert sparse.weight.grad.is_sparse
    torch.testing.assert_close(sparse.weight.grad.to_dense(), dense.weight.grad)


def test_a_training_clips_adaptively():
    made = recipe(clip_adaptive=0.01, steps=4)
    net = made.model()
    with torch.random.fork_rng():
        run = train(made.replace(model=net), keep_model=True)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    plain = train(made.replace(model=net, clip_adaptive=None), keep_model=True)
    assert not same_weights(plain.model, run.model)
    full = recipe(model=net, clip_adaptive=0.01, batch_size=None, epochs=4)
    run = train(full, keep_model=True)
    for _ in range(4):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(rows()[0]), rows()[1]).backward()
        for p in net.parameters():
            p.grad = clipped_by_hand(p.data, p.grad, 0.01, 1e-3).reshape(p.shape)
        optimizer.step()
    for ours, by_hand in zip(run.model.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(ours, by_hand)


def test_norm_then_adaptive_then_value():
    made = recipe(clip_norm=1e-3, clip_adaptive=1e3, clip_value=1e3, steps=3)
    both = train(made, keep_model=True)
    alone = train(made.replace(clip_adaptive=None, clip_value=None), keep_model=True)
    assert same_weights(both.model, alone.model)
    assert both.history.gradient_norms == alone.history.gradient_norms


@given(st.floats(0.01, 10), st.integers(0, 20))
def test_max_norm(limit, seed):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(5, 2, 3, generator=generator, dtype=torch.float64)
    before, bias = weight.clone(), 100 * torch.ones(3)
    max_norm_([weight, bias], limit)
    assert bias.tolist() == [100.0] * 3
    for row, was in zip(weight, before, strict=True):
        scale = min(1.0, limit / float(was.norm()))
        torch.testing.assert_close(row, was * scale, rtol=1e-6, atol=1e-12)


def test_a_training_keeps_the_max_norm():
    made = recipe(model=rich_net, max_norm=0.2, optimizer=partial(optim.SGD, lr=0.5, momentum=0.9))
    seen = []
    model = train(made, keep_model=True, on_step=lambda step, loss: seen.append(step)).model
    assert len(seen) == 15
    for layer in (model[0], model[5]):
        assert float(layer.weight.detach().norm(dim=1).max()) <= 0.2 + 1e-6
    assert float(model[1].weight.detach().norm()) > 0.2  # a norm's
    lbfgs = made.replace(optimizer=partial(optim.LBFGS, lr=0.1, max_iter=2))
    model = train(lbfgs, keep_model=True).model
    assert float(model[0].weight.detach().norm(dim=1).max()) <= 0.2 + 1e-6


PENALTIES = {
    "l1": lambda w: w.abs().sum(),
    "l2": lambda w: w.square().sum(),
    "orthogonal": orthogonality,
}


@pytest.mark.parametrize("kind", PENALTIES)
def test_penalties_are_their_automatic_gradients(kind):
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 4), nn.LayerNorm(4))
    other = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 4), nn.LayerNorm(4))
    other.load_state_dict(net.state_dict())
    penalties = Penalties([Penalty(kind, 0.3)], net)
    penalties.add_gradients()
    value = 0.3 * (PENALTIES[kind](other[0].weight) + PENALTIES[kind](other[2].weight))
    value.backward()
    assert float(penalties.value()) == pytest.approx(float(value.detach()), rel=1e-5)
    for ours, by_hand in zip(net.parameters(), other.parameters(), strict=True):
        assert (ours.grad is None) == (by_hand.grad is None)
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad, by_hand.grad)


def test_an_orthogonal_penalty_makes_weights_orthogonal():
    made = recipe(
        model=lambda: nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)),
        penalties=(Penalty("orthogonal", 0.1, "0.*"),),
        optimizer=partial(optim.SGD, lr=0.1),
        epochs=60,
    )
    model = train(made, keep_model=True).model
    free = train(made.replace(penalties=()), keep_model=True).model
    assert float(orthogonality(model[0].weight.detach())) < 0.02
    assert float(orthogonality(free[0].weight.detach())) > 0.5


def test_vectors_are_never_made_orthogonal():
    net = nn.Linear(2, 2)
    Penalties([Penalty("orthogonal", 1.0, skip_norms_and_biases=False)], net).add_gradients()
    assert net.bias.grad is None
    assert net.weight.grad is not None


def test_norms_and_biases_are_left_out_whatever_their_shape():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm((3, 3))
            self.attention = nn.MultiheadAttention(4, 2, add_bias_kv=True)
            self.scale = nn.Parameter(torch.ones(3, 3))

    net = Net()
    named = {"attention.in_proj_weight", "attention.out_proj.weight", "scale"}
    assert weight_names(net) == named
    Penalties([Penalty("l2", 1.0)], net).add_gradients()
    assert net.norm.weight.grad is None
    assert net.attention.bias_k.grad is None
    assert net.scale.grad is not None
    Penalties([Penalty("l2", 1.0, "norm.*", skip_norms_and_biases=False)], net).add_gradients()
    assert net.norm.weight.grad is not None


@given(st.floats(0, 10), st.floats(0, 1))
def test_the_elastic_net(weight, ratio):
    layer = nn.Linear(3, 2)
    found = elastic_net(weight, ratio)
    value = float(Penalties(found, layer).value())
    w = layer.weight.detach().double()
    by_hand = weight * float(ratio * w.abs().sum() + (1 - ratio) / 2 * w.square().sum())
    assert value == pytest.approx(by_hand, rel=1e-5, abs=1e-9)
    assert len(found) == (ratio > 0) + (ratio < 1)


@pytest.mark.parametrize(
    ("call", "quoted"),
    [
        (lambda: agc_([], 0.0), "clipping is 0.0"),
        (lambda: agc_([], 0.1, eps=-1.0), "eps is -1.0"),
        (lambda: max_norm_([], -2.0), "limit is -2.0"),
        (lambda: elastic_net(-1.0), "weight is -1.0"),
        (lambda: elastic_net(1.0, 1.5), "l1_ratio is 1.5"),
    ],
)
def test_senseless_limits_are_refused(call, quoted):
    with pytest.raises(UsageError, match=quoted):
        call()


def test_a_glob_that_fits_nothing_is_named():
    with pytest.raises(RecipeError, match=r"orthogonal penalty's parameters='conv\*'"):
        train(recipe(penalties=(Penalty("orthogonal", 1.0, "conv*"),)))


@pytest.mark.parametrize(
    "fields",
    [
        {"clip_adaptive": 0.01},
        {"max_norm": 0.5},
        {"penalties": (Penalty("orthogonal", 0.01), *elastic_net(0.01))},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_killed_runs_go_on(fields, tmp_path):
    check_resume(recipe(model=rich_net, **fields), tmp_path / "run", [4, 11])
