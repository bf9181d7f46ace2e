"""Small nets, data and recipes that the tests of the training share."""

from functools import partial

import torch
from torch import nn
from torch.optim import SGD

from torchclinic.core import Recipe, Splits


def rows(count=70, features=5, classes=3, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, features, generator=generator, dtype=dtype)
    y = torch.randint(classes, (count,), generator=generator)
    return x, y


def line(count=60, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 2, generator=generator, dtype=dtype)
    y = x @ torch.tensor([[1.0], [-2.0]], dtype=dtype) + 0.5
    return x, y


def plain_net(features=5, classes=3, dtype=torch.float32):
    return nn.Sequential(
        nn.Linear(features, 8, dtype=dtype), nn.Tanh(), nn.Linear(8, classes, dtype=dtype)
    )


def rich_net():
    """Everything that carries state from step to step: BatchNorm, dropout, a buffer of its own."""
    return nn.Sequential(
        nn.Linear(5, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Dropout(0.3),
        Counter(),
        nn.Linear(8, 3),
    )


class Counter(nn.Module):
    """Scales by how often it was trained on; the count is a buffer that no state_dict holds."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()), persistent=False)

    def forward(self, x):
        if self.training:
            self.count += 1
        return x * (1 + 0.01 * self.count)


def recipe(**fields):
    defaults = {
        "model": plain_net,
        "data": rows(),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": partial(SGD, lr=0.1),
        "batch_size": 16,
    }
    if "steps" not in fields:
        defaults["epochs"] = 3
    return Recipe(**(defaults | fields))


def split_recipe(**fields):
    data = Splits(train=rows(70), validation=rows(30, seed=1), test=rows(20, seed=2))
    return recipe(**({"data": data, "metric": "accuracy"} | fields))


def same_weights(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
