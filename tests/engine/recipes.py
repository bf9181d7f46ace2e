"""Small recipes for the engine's tests."""

from functools import partial

import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import Recipe


def points(rows=48):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 3, generator=generator)
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5]])


def make_net():
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))


def recipe(**changes):
    fields = {
        "model": make_net,
        "data": points(),
        "loss": nn.MSELoss(),
        "optimizer": partial(SGD, lr=0.05),
        "batch_size": 8,
        "steps": 12,
    }
    return Recipe(**{**fields, **changes})


def with_step(step, **changes):
    return recipe(loss=None, step=step, **changes)


def mse(model, batch):
    return nn.functional.mse_loss(model(batch[0]), batch[1])
