"""The guard puts everything back, whatever happened inside."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from graph.models import residual_net, vectors
from torchclinic.graph import undisturbed


def disturb(model):
    with undisturbed(model):
        assert all(p.grad is None for p in model.parameters())
        model.train().requires_grad_(True)
        model(torch.randn(2, 3, 8, 8)).sum().backward()
        np.random.rand(3), random.random()
        model[2].norm1.running_mean = torch.ones(4)
        raise KeyError("inside")


def test_everything_is_put_back_even_after_an_exception():
    model = residual_net().eval()
    model[0].train()
    model[6].weight.requires_grad_(False)
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    gradients = {name: p.grad for name, p in model.named_parameters()}
    values = {name: g.clone() for name, g in gradients.items() if g is not None}
    flags = {name: m.training for name, m in model.named_modules()}
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    with pytest.raises(KeyError):
        disturb(model)
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in state.items())
    for name, parameter in model.named_parameters():
        assert parameter.grad is gradients[name]
        assert parameter.grad is None or torch.equal(parameter.grad, values[name])
    assert {name: m.training for name, m in model.named_modules()} == flags
    assert not model[6].weight.requires_grad
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all()
    assert random.getstate() == states[2]


def test_a_lazy_model_may_be_materialised_inside():
    model = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    with undisturbed(model):
        model(vectors())
    assert model[0].weight.shape == (3, 4)
