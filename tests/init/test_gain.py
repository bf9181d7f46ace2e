"""Gains against torch's, against closed forms and against sampling."""

import math

import pytest
import torch
from torch import nn

from torchclinic.core import UsageError
from torchclinic.functional import ACTIVATIONS
from torchclinic.init import gain, second_moment

ELEMENTWISE = sorted(
    set(ACTIVATIONS) - {"softmax", "log_softmax", "softmin", "gumbel_softmax", "glu"}
)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "tanh", "sigmoid", "selu"])
def test_torchs_own_where_it_has_one(name):
    assert gain(name) == nn.init.calculate_gain(name)


def test_the_quadrature_agrees_with_torchs_exact_ones():
    assert second_moment("relu") ** -0.5 == pytest.approx(math.sqrt(2), rel=1e-9)
    assert second_moment("leaky_relu") ** -0.5 == pytest.approx(gain("leaky_relu"), rel=1e-9)
    assert second_moment("selu") == pytest.approx(1.0, rel=1e-6)  # its defining fixed point


def test_the_quadrature_agrees_with_closed_forms():
    normal = torch.distributions.Normal(0.0, 1.0)
    tail = 1 - normal.cdf(torch.tensor(1.0, dtype=torch.float64)).item()
    density = math.exp(-0.5) / math.sqrt(2 * math.pi)
    inside = (1 - 2 * tail) - 2 * density  # E[z^2; |z| < 1]
    assert second_moment("hardtanh") == pytest.approx(inside + 2 * tail, rel=1e-6)
    assert second_moment("prelu") == pytest.approx((1 + 0.25**2) / 2, rel=1e-9)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_gain_by_sampling(name):
    z = torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sampled = ACTIVATIONS[name].function(z).square().mean().item()
    assert second_moment(name) == pytest.approx(sampled, rel=0.02)


@pytest.mark.parametrize("name", [None, "softmax", "softmin", "log_softmax"])
def test_no_gain(name):
    assert gain(name) == 1.0


def test_an_unknown_name_is_told_which_are_known():
    with pytest.raises(UsageError, match=r"'rellu'.*leaky_relu"):
        gain("rellu")


def test_a_modules_own_parameters_count():
    assert gain(nn.LeakyReLU(0.2)) == pytest.approx(nn.init.calculate_gain("leaky_relu", 0.2))
    assert gain(nn.PReLU(init=0.3)) == pytest.approx(nn.init.calculate_gain("leaky_relu", 0.3))
    assert gain(nn.ELU(alpha=2.0)) != pytest.approx(gain("elu"), rel=0.01)
    assert gain(nn.Softplus(beta=5)) != pytest.approx(gain("softplus"), rel=0.01)
    assert gain(nn.Threshold(100.0, 0.0)) == 1.0


MODULES = {
    name: ACTIVATIONS[name].modules[0]
    for name in ELEMENTWISE
    if ACTIVATIONS[name].modules and name != "threshold"
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_with_the_usual_parameters_have_the_usual_gain(name):
    module = MODULES[name]()
    assert gain(module) == pytest.approx(gain(name), rel=1e-6)
    assert not any(p.dtype == torch.float64 for p in module.parameters())


def test_a_module_that_is_no_activation_is_refused():
    with pytest.raises(UsageError, match="there is no activation Linear"):
        gain(nn.Linear(1, 1))


def test_a_gated_unit_by_sampling():
    z = torch.randn(400_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sampled = nn.functional.glu(z).square().mean().item()
    assert gain("glu") == pytest.approx(sampled**-0.5, rel=0.02)
    assert gain(nn.GLU()) == gain("glu") > 1.8
