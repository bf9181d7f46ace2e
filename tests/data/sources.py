"""One source of each kind, all with the same rows."""

import random

import numpy as np
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
)

ROWS = 23
X = torch.arange(ROWS * 2, dtype=torch.float32).view(ROWS, 2)
Y = torch.arange(ROWS)


def gen(seed=0):
    return torch.Generator().manual_seed(seed)


class Squares(Dataset):
    """Map-style."""

    def __len__(self):
        return ROWS

    def __getitem__(self, row):
        return X[row], Y[row]


class Noisy(Squares):
    """Augmented from all three global generators."""

    def __getitem__(self, row):
        noise = torch.rand(()) + float(np.random.rand()) + random.random()
        return X[row] + noise, Y[row]


class Stream(IterableDataset):
    def __iter__(self):
        yield from zip(X, Y, strict=True)


class Epochs:
    """Re-iterable that shuffles with the global generator."""

    def __iter__(self):
        for index in torch.randperm(ROWS).split(5):
            yield X[index], Y[index]


def loader(**options):
    return DataLoader(Squares(), batch_size=5, **options)


SOURCES = {
    "tensors": lambda: (X, Y),
    "arrays": lambda: (X.numpy(), Y.numpy()),
    "tensor-dataset": lambda: TensorDataset(X, Y),
    "subset": lambda: Subset(TensorDataset(X, Y), list(range(ROWS))),
    "dataset": Squares,
    "augmented": Noisy,
    "loader": loader,
    "loader-shuffled": lambda: loader(shuffle=True),
    "loader-subset": lambda: loader(sampler=SubsetRandomSampler(range(ROWS))),
    "loader-workers": lambda: loader(shuffle=True, num_workers=1),
    "iterable-dataset": Stream,
    "list": lambda: [(X[i : i + 5], Y[i : i + 5]) for i in range(0, ROWS, 5)],
    "generator": lambda: ((X[i : i + 5], Y[i : i + 5]) for i in range(0, ROWS, 5)),
    "zip": lambda: zip(X.split(5), Y.split(5), strict=True),
    "reiterable": Epochs,
}
