"""Recipes that are hard to look at, small enough to be looked at often."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam

from torchclinic.core import Recipe, Splits

ROWS = 640


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def table(rows=ROWS, features=6):
    return torch.randn(rows, features, generator=generator())


def classes(rows=ROWS, count=3):
    x = table(rows)
    return x, x[:, :count].argmax(1)


def values(rows=ROWS, columns=1):
    x = table(rows)
    return x, torch.sin(2 * x[:, :columns]) + x[:, columns : 2 * columns]


def binary(rows=ROWS):
    x = table(rows)
    return x, (x[:, :1] + x[:, 1:2] ** 2 > 1).float()


def mlp(outputs=3, *after, inputs=6):
    return nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, outputs), *after)


def recipe(data=None, model=mlp, loss=None, **options):
    if "step" not in options:
        options["loss"] = loss or nn.CrossEntropyLoss()
    if "steps" not in options:
        options.setdefault("epochs", 2)
    options.setdefault("optimizer", partial(Adam, lr=1e-2))
    return Recipe(model=model, data=classes() if data is None else data, **options)


def own_step(model, batch):
    x, y = batch
    scores = model(x)
    return F.cross_entropy(scores, y) + 1e-3 * scores.square().mean()


class FixedBatch(nn.Module):
    """A recurrent net whose first state is made for one batch size."""

    def __init__(self, rows=32):
        super().__init__()
        self.rnn, self.head = nn.GRU(2, 8, batch_first=True), nn.Linear(8, 3)
        self.register_buffer("state", torch.zeros(1, rows, 8))

    def forward(self, x):
        return self.head(self.rnn(x, self.state)[0][:, -1])


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mlp(3)
        self.other = nn.Linear(6, 1)

    def forward(self, first, second):
        return {"aux": self.other(second), "logits": self.body(first)}


class FunctionalDropout(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.b(F.dropout(F.relu(self.a(x)), 0.9, self.training))


class Tokens(nn.Module):
    def __init__(self, over_the_batch=False):
        super().__init__()
        self.embedding = nn.Embedding(20, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, 0.2, batch_first=not over_the_batch)
        self.encoder, self.head = nn.TransformerEncoder(layer, 1, None, False), nn.Linear(16, 3)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


def named_batches():
    x, y = classes()
    return [
        {"first": x[i : i + 32], "second": x[i : i + 32], "label": y[i : i + 32]}
        for i in range(0, len(x), 32)
    ]


def token_rows(rows=ROWS):
    tokens = torch.randint(0, 20, (rows, 7), generator=generator())
    return tokens, tokens[:, 0] % 3


def series(rows=ROWS):
    x = torch.randn(rows, 5, 2, generator=generator())
    return x, x.sum((1, 2)).gt(0).long() + x[:, 0, 0].gt(1).long()


def one_hot(rows=ROWS):
    x, y = classes(rows)
    return x, F.one_hot(y, 3).float()


def with_nan(rows=ROWS):
    x, y = classes(rows)
    x[::50, 2] = float("nan")
    return x, y


HARD = {
    "loss module": partial(recipe),
    "loss function": partial(recipe, loss=F.cross_entropy),
    "partial": partial(recipe, loss=partial(F.cross_entropy, label_smoothing=0.1)),
    "lambda": partial(recipe, loss=lambda output, target: 0.5 * F.cross_entropy(output, target)),
    "own step": partial(recipe, step=own_step),
    "dict batches": partial(recipe, named_batches(), Named),
    "NaN rows": partial(recipe, with_nan()),
    "one-hot": partial(recipe, one_hot()),
    "one-hot and squared error": partial(
        recipe, one_hot(), partial(mlp, 3, nn.Softmax(1)), nn.MSELoss()
    ),
    "batch norm": partial(
        recipe,
        model=lambda: nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), mlp(inputs=16)
        ),
    ),
    "fixed batch": partial(recipe, series(), FixedBatch),
    "tokens": partial(recipe, token_rows(), Tokens),
    "functional dropout": partial(recipe, model=FunctionalDropout),
    "regression": partial(recipe, values(), partial(mlp, 1), nn.MSELoss()),
    "two targets": partial(recipe, values(columns=2), partial(mlp, 2), nn.HuberLoss()),
    "binary": partial(recipe, binary(), partial(mlp, 1), nn.BCEWithLogitsLoss()),
    "few rows": partial(recipe, classes(20)),
    "full batch": partial(recipe, batch_size=None),
    "steps": partial(recipe, steps=30, optimizer=partial(SGD, lr=0.1, momentum=0.9)),
    "validation": partial(recipe, Splits(train=classes(), validation=classes(100))),
    "module": lambda: recipe(model=mlp()),
}
