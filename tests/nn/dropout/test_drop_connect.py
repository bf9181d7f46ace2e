"""DropConnect against its moments in closed form, and against torch's own layers."""

import math

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from nn.dropout.members import CONNECT, example, make
from torchclinic.core import SurgeryError, UsageError
from torchclinic.nn import DropConnectLinear, drop_connect
from torchclinic.nn.dropout import DropConnectWeight, gaussian_expectation, sampled_expectation


@pytest.mark.parametrize("name", CONNECT)
def test_mean_and_variance_over_masks_are_the_moments(name):
    p = 0.3
    layer, x = make(name, p, double=True), example(name, double=True)[:2]
    torch.manual_seed(0)
    draws = torch.stack([layer.train()(x) for _ in range(4000)])
    mean, variance = layer.moments(x)
    torch.testing.assert_close(draws.mean(0), mean, atol=0.12, rtol=0)
    torch.testing.assert_close(draws.var(0), variance, atol=0.02, rtol=0.25)


@pytest.mark.parametrize("name", CONNECT)
def test_the_state_dict_is_that_of_torchs_layer(name):
    layer = make(name, 0.5)
    assert isinstance(layer, getattr(nn, name.removeprefix("DropConnect")))
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_one_mask_serves_the_batch_and_each_weight_has_its_own():
    torch.manual_seed(0)
    layer = DropConnectLinear(40, 30, bias=False, p=0.5).train()
    nn.init.ones_(layer.weight)
    rows = layer(torch.ones(5, 40))
    assert bool((rows == rows[0]).all())
    assert len(set(rows[0].tolist())) > 1


def test_a_gradient_reaches_exactly_the_weights_that_were_kept():
    torch.manual_seed(0)
    layer = DropConnectLinear(20, 10, p=0.5).train()
    layer(torch.ones(1, 20)).sum().backward()
    values = set(layer.weight.grad.flatten().tolist())
    assert values == {0.0, 2.0}


def relu_mean(mean, variance):
    """E[max(u, 0)] in closed form."""
    std = variance.sqrt()
    normal = torch.distributions.Normal(0.0, 1.0)
    z = mean / std
    return mean * normal.cdf(z) + std * torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("name", CONNECT)
def test_gaussian_inference_is_the_expected_activation(name):
    layer = make(name, 0.4, double=True, inference="gaussian", activation=nn.ReLU()).eval()
    x = example(name, double=True)
    mean, variance = layer.moments(x)
    exact = relu_mean(mean, variance)
    assert bool(((layer(x) - exact).abs() <= 0.02 * variance.sqrt()).all())
    assert not torch.allclose(layer(x), mean.relu(), atol=1e-2)
    assert torch.equal(layer(x), layer(x))


def test_gaussian_inference_is_near_the_mean_over_masks():
    """With many inputs a unit is nearly Gaussian over the masks."""
    torch.manual_seed(0)
    layer = DropConnectLinear(
        200, 20, p=0.5, inference="gaussian", activation=torch.sigmoid, dtype=torch.float64
    )
    nn.init.normal_(layer.weight, std=0.3)
    x = torch.randn(3, 200, dtype=torch.float64)
    masks = torch.stack([layer.train()(x) for _ in range(4000)])
    by_moments = layer.eval()(x)
    plain = torch.sigmoid(layer.moments(x)[0])
    assert (masks.mean(0) - by_moments).abs().max() < 0.03
    assert (masks.mean(0) - by_moments).abs().mean() < (masks.mean(0) - plain).abs().mean() / 3


def test_sampled_inference_agrees_with_quadrature_and_takes_functions_over_units():
    torch.manual_seed(0)
    mean, variance = torch.randn(4, 6, dtype=torch.float64), torch.rand(4, 6, dtype=torch.float64)
    exact = gaussian_expectation(torch.tanh, mean, variance)
    sampled = sampled_expectation(torch.tanh, mean, variance, 20_000)
    torch.testing.assert_close(sampled, exact, atol=0.03, rtol=0)
    layer = DropConnectLinear(
        6, 3, p=0.5, inference="gaussian", activation=nn.Softmax(-1), samples=50
    ).eval()
    torch.testing.assert_close(layer(torch.randn(4, 6)).sum(-1), torch.ones(4))


def test_quadrature_is_exact_for_polynomials():
    mean, variance = torch.tensor(0.7).double(), torch.tensor(2.3).double()
    found = gaussian_expectation(lambda u: u**4, mean, variance, nodes=3)
    exact = mean**4 + 6 * mean**2 * variance + 3 * variance**2
    assert found.item() == pytest.approx(exact.item(), rel=1e-12)


def test_an_activation_acts_in_both_modes():
    layer = DropConnectLinear(3, 2, p=0.5, activation=nn.ReLU())
    assert (layer.train()(torch.randn(50, 3)) >= 0).all()
    assert (layer.eval()(torch.randn(50, 3)) >= 0).all()


def test_bad_arguments_are_refused_with_their_value():
    with pytest.raises(UsageError, match=r"inference is 'median'.*mean, gaussian"):
        DropConnectLinear(2, 2, inference="median")
    with pytest.raises(UsageError, match="activation is None"):
        DropConnectLinear(2, 2, inference="gaussian")
    with pytest.raises(UsageError, match=r"p is 1\.0"):
        DropConnectLinear(2, 2, p=1.0, inference="gaussian", activation=nn.ReLU())
    with pytest.raises(UsageError, match="samples is 0"):
        DropConnectLinear(2, 2, inference="gaussian", activation=nn.ReLU(), samples=0)


def test_a_built_model_gets_it_by_one_call_and_loses_it_again():
    model = nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 10), nn.Bilinear(1, 1, 1)
    )[:4].eval()
    x = torch.randn(3, 2, 8)
    before = model(x)
    assert drop_connect(model, 0.5) is model
    assert torch.equal(model(x), before), "the mode of the model is the mode of the masks"
    torch.manual_seed(0)
    assert not torch.equal(model.train()(x), model(x))
    assert torch.equal(drop_connect(model, 0.5).eval()(x), before)
    steps = [m for m in model.modules() if isinstance(m, DropConnectWeight)]
    assert len(steps) == 2, "a second call changes nothing"
    for layer in (model[0], model[3]):
        parametrize.remove_parametrizations(layer, "weight")
    assert torch.equal(model(x), before)


def test_a_model_without_such_layers_is_refused():
    with pytest.raises(SurgeryError, match="LSTM has no layer"):
        drop_connect(nn.LSTM(2, 2))
