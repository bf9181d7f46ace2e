"""Small recipes for the tests of the range test."""

from functools import partial

import torch
from torch import nn
from torch.optim import SGD, Adam

from torchclinic.core import Recipe


def classes(rows=600):
    """Ten Gaussian clouds in 20 dimensions, about as hard as the digits."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(10, 20, generator=generator)
    y = torch.randint(10, (rows,), generator=generator)
    return centres[y] + 0.7 * torch.randn(rows, 20, generator=generator), y


def line(rows=200):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 4, generator=generator)
    return x, x @ torch.tensor([[1.0], [-1.0], [0.5], [2.0]])


def relu_net():
    return nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 10))


def classifier(**changes):
    fields = {
        "model": relu_net,
        "data": classes(),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": partial(SGD, lr=0.1),
        "batch_size": 32,
        "steps": 300,
    }
    return Recipe(**{**fields, **changes})


def regression(**changes):
    fields = {
        "model": partial(nn.Linear, 4, 1),
        "data": line(),
        "loss": nn.MSELoss(),
        "optimizer": partial(SGD, lr=0.01),
        "batch_size": 16,
        "steps": 100,
    }
    return Recipe(**{**fields, **changes})


adam = partial(Adam, lr=1e-3)


def known(rate: float | None) -> float:
    assert rate is not None
    return rate
