"""The functional test: affine models are near 0, all others are not, however flat they look."""

import pytest
import torch
from torch import nn

from graph.models import HEALTHY, tokens, vectors
from torchclinic.graph import ForwardRecorder, linearity_residual


def call(model, inputs):
    return model(inputs)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(4, 2),
        lambda: nn.Sequential(nn.Linear(4, 64), nn.Linear(64, 64), nn.Linear(64, 3)),
        lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.9), nn.Linear(8, 2)),
    ],
)
def test_affine_models(make):
    assert linearity_residual(make(), vectors(64), call) < 1e-5


@pytest.mark.parametrize(
    "name", sorted(set(HEALTHY) - {"low rank", "post-norm", "pre-norm", "lstm"})
)
def test_healthy_models_are_not_affine(name):
    make, inputs = HEALTHY[name]
    torch.manual_seed(0)
    model = make()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert linearity_residual(model, inputs(), call) > 1e-2
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())
    assert model.training


@pytest.mark.parametrize("scale", [1e-3, 1e-2, 1.0])
def test_sigmoids_in_the_middle_of_their_range_are_still_not_affine(scale):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    assert linearity_residual(model, vectors(64), call) > 1e-3


def test_a_softmax_at_the_end_does_not_hide_that_the_rest_is_affine():
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3), nn.Softmax(1))
    with ForwardRecorder(model) as recorder:
        model(vectors())
    assert linearity_residual(model, vectors(64), call) > 1e-2
    assert linearity_residual(model, vectors(64), call, recorder.result()) < 1e-5


def test_what_cannot_be_tested():
    assert linearity_residual(nn.Embedding(10, 2), tokens(8), call) is None
    assert linearity_residual(nn.Linear(4, 2), vectors(1), call) is None
    constant = nn.Linear(4, 2)
    nn.init.zeros_(constant.weight)
    assert linearity_residual(constant, vectors(8), call) is None


def test_structured_inputs():
    class Two(nn.Module):
        def forward(self, batch):
            return batch["a"] @ torch.ones(4, 1) + batch["b"][0]

    inputs = {"a": vectors(8), "b": (torch.randn(8, 1),)}
    assert linearity_residual(Two(), inputs, call) < 1e-5
