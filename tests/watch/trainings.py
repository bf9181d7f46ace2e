"""Small trainings of many kinds for the watch to look at."""

import torch
from torch import nn
from torch.nn import functional as F


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.b(F.relu(self.a(x), inplace=True))


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 3) * 0.3)
        self.v = nn.Parameter(torch.randn(3, 3) * 0.3)

    def forward(self, x):
        return torch.tanh(x @ self.w) @ self.v


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.twice, self.last = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.last(torch.relu(self.twice(torch.relu(self.twice(x)))))


class Tuples(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(2, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        states, (hidden, _) = self.rnn(x.reshape(-1, 3, 2))
        return self.head(hidden[-1]) + 0 * states.sum()


class Dicts(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 3)

    def forward(self, x):
        return {"scores": self.body(x)}


def conv():
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(24, 3),
    )  # fmt: skip


def mlp():
    return nn.Sequential(nn.Linear(6, 16), nn.Sigmoid(), nn.Dropout(0.2), nn.Linear(16, 3))


MODELS = {
    "mlp": mlp,
    "functional": Functional,
    "bare": Bare,
    "shared": Shared,
    "tuples": Tuples,
    "dicts": Dicts,
    "conv": conv,
    "parameterless root": lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 3)),
}


def loss_of(model, x, y):
    out = model(x)
    return F.cross_entropy(out["scores"] if isinstance(out, dict) else out, y)


def batches(steps, rows=16):
    generator = torch.Generator().manual_seed(7)
    for _ in range(steps):
        x = torch.randn(rows, 6, generator=generator)
        yield x, (x.sum(1) > 0).long() + (x[:, 0] > 1).long()
