"""Tiny studies: 5 ms a run."""

from functools import partial

import torch
from torch import nn
from torch.optim import SGD

import torchclinic as tc


def net(width=4, act=nn.ReLU, p=0.0):
    return nn.Sequential(nn.Linear(3, width), act(), nn.Dropout(p), nn.Linear(width, 2))


def data(rows=48, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 3, generator=generator)
    y = (x[:, 0] + 0.3 * torch.randn(rows, generator=generator) > 0).long()
    third = rows // 3
    return tc.Splits(
        train=(x[:third], y[:third]),
        validation=(x[third : 2 * third], y[third : 2 * third]),
        test=(x[2 * third :], y[2 * third :]),
        name="plane",
    )


def recipe(**fields):
    base = {
        "model": net,
        "data": data(),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": partial(SGD, lr=0.1),
        "batch_size": 8,
        "steps": 12,
        "metric": "accuracy",
        "name": "net",
    }
    return tc.Recipe(**{**base, **fields})


def arms(count=3):
    rates = (0.1, 1.0, 0.01, 0.5, 0.2, 0.05, 0.03, 2.0)[:count]
    base = recipe()
    return {f"lr {lr}": base.replace(optimizer=partial(SGD, lr=lr)) for lr in rates}
