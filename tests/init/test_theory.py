"""Mean-field theory against closed forms, against sampling and against real nets."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchclinic.core import DataError, ModelError, UsageError
from torchclinic.functional import ACTIVATIONS
from torchclinic.init import (
    activation_moments,
    growth,
    initialize,
    measured_variance,
    predicted_variance,
)
from torchclinic.init.gain import NOT_ELEMENTWISE

ELEMENTWISE = sorted(set(ACTIVATIONS) - NOT_ELEMENTWISE - {"rrelu"})


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def net(activation, sizes):
    pairs = pairwise(sizes)
    layers = [module for a, b in pairs for module in (nn.Linear(a, b), activation())]
    return nn.Sequential(*layers[:-1])


def rows(n=100, width=100, seed=1):
    return torch.randn(n, width, generator=generator(seed))


@given(st.floats(1e-3, 1e3))
@settings(max_examples=25, deadline=None)
def test_closed_forms(q):
    relu = activation_moments("relu", q)
    assert float(relu.second) == pytest.approx(q / 2, rel=1e-6)
    assert float(relu.mean) == pytest.approx(math.sqrt(q / (2 * math.pi)), rel=1e-6)
    assert float(relu.slope) == pytest.approx(0.5, rel=1e-6)
    line = activation_moments(None, q)
    assert (float(line.second), float(line.slope)) == pytest.approx((q, 1.0), rel=1e-6)
    assert float(line.mean) == pytest.approx(0.0, abs=1e-9)
    leaky = activation_moments(nn.LeakyReLU(0.3), q)
    assert float(leaky.second) == pytest.approx(q * (1 + 0.09) / 2, rel=1e-6)
    sigmoid = activation_moments("sigmoid", q)
    assert float(sigmoid.mean) == pytest.approx(0.5, abs=1e-8)
    hard = activation_moments("hardtanh", q)  # E[phi'^2] = P(|sqrt(q) z| < 1)
    assert float(hard.slope) == pytest.approx(math.erf((2 * q) ** -0.5), rel=2e-3)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("q", [0.01, 1.0, 25.0])
def test_every_activation_by_sampling(name, q):
    z = torch.randn(400_000, generator=generator(), dtype=torch.float64)
    x = (z * q**0.5).requires_grad_()
    value = ACTIVATIONS[name].function(x + 0)
    (slope,) = torch.autograd.grad(value.sum(), x)
    found = activation_moments(name, q)
    assert float(found.second) == pytest.approx(value.square().mean().item(), rel=0.03, abs=1e-6)
    assert float(found.slope) == pytest.approx(slope.square().mean().item(), rel=0.03, abs=2e-3)
    spread = value.std().item() / 400_000**0.5
    assert float(found.mean) == pytest.approx(value.mean().item(), abs=6 * spread + 1e-9)


def test_many_variances_are_interpolated_between_a_few():
    q = torch.rand(500, generator=generator(), dtype=torch.float64) * 50
    q[7] = 0.0
    for name in ("tanh", "gelu"):
        together = activation_moments(name, q.view(50, 10))
        assert together.second.shape == (50, 10)
        for place in (0, 7, 123, 499):
            alone = activation_moments(name, q[place])
            for part in ("mean", "second", "slope"):
                value = getattr(together, part).flatten()[place]
                assert float(value) == pytest.approx(float(getattr(alone, part)), rel=2e-2)
    same = activation_moments("tanh", torch.full((100,), 2.0))
    assert same.second.unique().numel() == 1
    assert activation_moments("tanh", torch.zeros(100)).second.abs().max() == 0


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.Sigmoid, nn.GELU, nn.Identity])
@pytest.mark.parametrize("scheme", ["xavier-normal", "he", "he-fan-out", "orthogonal", "normal"])
def test_theory_and_measurement_agree_on_wide_nets(activation, scheme):
    """Averaged over four draws of 300 units: within 25 % at each of six layers."""
    options = {"std": 0.1} if scheme == "normal" else {}
    forward, backward, weights = [], [], []
    for seed in range(4):
        model = net(activation, [100] + [300] * 5 + [10])
        initialize(model, scheme, generator=generator(seed), **options)
        x = rows(60, seed=seed + 10)
        theory, real = predicted_variance(model, x), measured_variance(model, x)
        assert len(theory) == len(real) == 6
        for found, name in ((forward, "forward"), (backward, "backward")):
            found.append(ratio(real.column(name), theory.column(name)))
        weights.append(ratio(real.column("weight_gradient"), theory.column("weight_gradient")))
    hidden = slice(0, 5)  # the output layer has 10 units only: its own chance is larger
    for found in (forward, backward, weights):
        means = torch.stack(found).mean(0)
        assert ((means[hidden] - 1).abs() < 0.25).all()


def ratio(real, theory):
    return torch.tensor(real) / torch.tensor(theory)


def test_the_lectures_products():
    """D z_i = D x prod n D W forward and the same backward, for a linear net."""
    sizes = [50, 80, 20, 60]
    model = net(nn.Identity, sizes)
    for layer in model[::2]:
        nn.init.normal_(layer.weight, std=0.2, generator=generator())
        nn.init.zeros_(layer.bias)
    x = rows(width=50)
    profile = predicted_variance(model, x)
    squares = [layer.weight.double().square().mean().item() for layer in model[::2]]
    size = x.double().square().mean().item()
    for i, row in enumerate(profile.layers):
        size *= sizes[i] * squares[i]
        assert row.forward == pytest.approx(size)
    gradient = 1.0
    for i in (2, 1):
        assert profile.layers[i].backward == pytest.approx(gradient)
        gradient *= sizes[i + 1] * squares[i]
    assert profile.layers[0].backward == pytest.approx(gradient)


def test_convolutions_with_strides():
    model = nn.Sequential(
        nn.Conv2d(8, 64, 3, stride=2, padding=1, padding_mode="circular"), nn.ReLU(),
        nn.Conv2d(64, 64, 3, stride=2, padding=1, padding_mode="circular"), nn.ReLU(),
        nn.Flatten(), nn.Linear(64 * 16, 10),
    )  # fmt: skip
    initialize(model, "he", generator=generator())
    x = torch.randn(40, 8, 16, 16, generator=generator(1))
    theory, real = predicted_variance(model, x), measured_variance(model, x)
    assert real.column("forward")[:2] == pytest.approx(theory.column("forward")[:2], rel=0.15)
    assert real.column("backward")[:2] == pytest.approx(theory.column("backward")[:2], rel=0.3)


def test_a_sigmoids_quarter_bounds_the_backward_factor():
    for q in (0.0, 0.5, 10.0):
        assert growth("sigmoid", 1.0, q) <= 1 / 16 + 1e-12
    assert growth("sigmoid", 1.0, 0.0) == pytest.approx(1 / 16)
    assert growth("relu", 2.0, 123.0) == pytest.approx(1.0)
    assert growth("tanh", 1.0, 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize("scheme", ["he", "normal"])
def test_measuring_leaves_the_model_as_it_was(scheme):
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(5, 2))
    initialize(model, scheme, generator=generator())
    model[0].weight.requires_grad_(False)
    model[3].weight.grad = torch.ones(2, 5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    profile = measured_variance(model, rows(width=6), lambda out: out.square().sum())
    predicted_variance(model, rows(width=6))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert model[1].inplace
    assert not model[0].weight.requires_grad
    assert torch.equal(model[3].weight.grad, torch.ones(2, 5))
    assert model[0].bias.grad is None
    assert all(value > 0 for value in profile.column("backward"))


def test_the_measured_numbers_are_those_of_autograd():
    model = net(nn.Tanh, [4, 3, 2])
    x = rows(5, 4)
    profile = measured_variance(model, x, lambda out: out.square().sum())
    hidden = model[0](x)
    hidden.retain_grad()
    out = model[2](model[1](hidden))
    out.retain_grad()
    out.square().sum().backward()
    assert profile.layers[0].forward == pytest.approx(hidden.square().mean().item(), rel=1e-5)
    assert profile.layers[0].backward == pytest.approx(hidden.grad.square().mean().item(), rel=1e-5)
    assert profile.layers[1].backward == pytest.approx(out.grad.square().mean().item(), rel=1e-5)
    by_row = torch.stack([torch.outer(h, a) for h, a in zip(hidden.grad, x, strict=True)])
    assert profile.layers[0].weight_gradient == pytest.approx(
        by_row.square().mean().item(), rel=1e-5
    )


def test_the_loss_gradient_can_be_given_to_the_theory():
    model = net(nn.Tanh, [100, 200, 200, 10])
    initialize(model, generator=generator())
    x = rows()
    y = torch.randint(10, (100,), generator=generator(2))
    real = measured_variance(model, x, lambda out: nn.functional.cross_entropy(out, y) * len(y))
    theory = predicted_variance(model, x, output_gradient=real.layers[-1].backward)
    assert theory.layers[-1].backward == pytest.approx(real.layers[-1].backward)
    assert theory.column("backward") == pytest.approx(real.column("backward"), rel=0.3)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), "a norm"),
        (nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 4)), "LSTM"),
        (nn.Sequential(nn.ReLU()), "no layer with weights"),
    ],
)
def test_what_is_no_chain_is_refused(model, reason):
    for function in (predicted_variance, measured_variance):
        with pytest.raises(ModelError, match=reason):
            function(model, rows(width=4))


def test_a_layer_used_twice_is_no_chain():
    layer = nn.Linear(4, 4)
    with pytest.raises(ModelError, match="used 2 times"):
        predicted_variance(nn.Sequential(layer, nn.Tanh(), layer), rows(width=4))


def test_what_acts_on_no_single_element_is_refused():
    with pytest.raises(UsageError, match="acts on no single element"):
        activation_moments("softmax", 1.0)
    with pytest.raises(UsageError, match="at least 0"):
        growth("relu", -1.0, 1.0)


def test_the_table_has_a_row_a_layer():
    model = net(nn.Tanh, [4, 3, 2])
    lines = str(predicted_variance(model, rows(5, 4))).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("predicted")
    assert len({len(line) for line in lines}) == 1


def test_inputs_that_are_not_finite_are_refused():
    for function in (predicted_variance, measured_variance):
        with pytest.raises(DataError, match="not finite"):
            function(net(nn.Tanh, [4, 3, 2]), torch.full((2, 4), math.nan))
