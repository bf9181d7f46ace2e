"""Traces of loops that a user wrote, without a recipe."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam

import torchclinic as tc

G = torch.Generator().manual_seed(3)
Y = torch.randint(0, 4, (320,), generator=G)
X = torch.randn(320, 12, generator=G)
X[torch.arange(320), Y] += 3


def watched(optimizer, epochs=10):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4)]
        model = nn.Sequential(*layers)
        given = optimizer(model.parameters())
        with tc.watch(model, given) as seen:
            for _ in range(epochs):
                for rows in torch.randperm(len(X)).split(32):
                    given.zero_grad()
                    F.cross_entropy(model(X[rows]), Y[rows]).backward()
                    given.step()
    return tc.diagnose(seen.trace)


@pytest.mark.parametrize("optimizer", [partial(SGD, lr=3.0, momentum=0.9), partial(Adam, lr=3.0)])
def test_a_rate_far_too_high_is_named_by_the_trace_alone(optimizer):
    found = watched(optimizer).findings[0]
    assert found.code == "LRN101"
    assert "is too high" in found.title


@pytest.mark.parametrize(
    "optimizer", [partial(SGD, lr=0.1, momentum=0.9), partial(Adam, lr=1e-2), partial(SGD, lr=0.5)]
)
def test_usual_rates_are_not(optimizer):
    assert watched(optimizer).healthy
