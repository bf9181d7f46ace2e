"""How good the rates are that the range test suggests.

Trains 23 small recipes in full at 22 learning rates with 3 seeds, runs the range test on each, and
prints: the best rate, the smallest rate above it that fails, what the range test says of both, and
the regret, the share of the whole gain in validation loss that is lost by training at the suggested
rate instead of the best.

    python benchmarks/lr_range.py                    # about 5 minutes on two cores
    python benchmarks/lr_range.py sigmoid            # those whose name has the word
    python benchmarks/lr_range.py --fresh [word]     # a fresh model and an epoch at each rate
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim import SGD, Adam, AdamW

from torchclinic.core import Recipe, Splits
from torchclinic.engine import run_arms
from torchclinic.study import lr_range_test

RATES = [10**exponent for exponent in np.arange(-5, 2.01, 1 / 3)]
SEEDS = range(3)
FAILS = 0.8  # of the gain is lost
momentum = partial(SGD, momentum=0.9)


def split(x, y, share=0.72):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    cut = int(share * len(x))
    train, rest = order[:cut], order[cut:]
    return Splits(train=(x[train], y[train]), validation=(x[rest], y[rest]))


def digits(*, standardised=False):
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16, dtype=torch.float32)
    if standardised:
        x = (x - x.mean(0)) / (x.std(0) + 0.1)
    return split(x, torch.tensor(y))


def sine(scale=1.0, offset=0.0):
    x = torch.linspace(-1, 1, 400)[:, None]
    noise = torch.randn(400, 1, generator=torch.Generator().manual_seed(1))
    return split(x, scale * (torch.sin(4 * x) + 0.2 * noise) + offset)


def dense(activation, *, inputs=64, outputs=10, depth=2, norm=False, unit_normal=False):
    layers, width = [], inputs
    for _ in range(depth):
        layers += [nn.Linear(width, 64), *([nn.BatchNorm1d(64)] if norm else []), activation()]
        width = 64
    net = nn.Sequential(*layers, nn.Linear(width, outputs))
    for layer in net if unit_normal else ():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight)
    return net


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip


relu, tanh, sigmoid = (partial(dense, kind) for kind in (nn.ReLU, nn.Tanh, nn.Sigmoid))
scalar = {"inputs": 1, "outputs": 1}
plain, scaled, wave, big = digits(), digits(standardised=True), sine(), sine(20.0, 100.0)

# name -> model, data, optimizer, batch size
CASES: dict[str, tuple[Callable[[], nn.Module], Splits, Callable, int | None]] = {
    "relu, SGD": (relu, plain, SGD, 32),
    "relu, SGD, standardised": (relu, scaled, SGD, 32),
    "relu, momentum": (relu, plain, momentum, 32),
    "relu, Adam": (relu, plain, Adam, 32),
    "relu, AdamW, standardised": (relu, scaled, AdamW, 32),
    "1 sigmoid, SGD": (partial(sigmoid, depth=1), plain, SGD, 32),
    "2 sigmoid, SGD": (sigmoid, plain, SGD, 32),
    "3 sigmoid, SGD": (partial(sigmoid, depth=3), plain, SGD, 32),
    "2 sigmoid, Adam": (sigmoid, plain, Adam, 32),
    "3 sigmoid, Adam": (partial(sigmoid, depth=3), plain, Adam, 32),
    "3 tanh, SGD": (partial(tanh, depth=3), plain, SGD, 32),
    "3 relu and norm, SGD": (partial(relu, depth=3, norm=True), plain, SGD, 32),
    "3 relu and norm, Adam": (partial(relu, depth=3, norm=True), plain, Adam, 32),
    "relu from N(0, 1), SGD": (partial(relu, unit_normal=True), plain, SGD, 32),
    "convolutional, SGD": (convolutional, plain, SGD, 32),
    "convolutional, Adam": (convolutional, plain, Adam, 32),
    "sine, tanh, SGD": (partial(tanh, **scalar), wave, SGD, 32),
    "sine, relu, Adam": (partial(relu, **scalar), wave, Adam, 32),
    "large targets, Adam": (partial(relu, **scalar), big, Adam, 32),
    "large targets, SGD": (partial(relu, **scalar), big, SGD, 32),
    "sine, all rows, SGD": (partial(tanh, **scalar), wave, SGD, None),
    "relu, SGD, batch 8": (relu, plain, SGD, 8),
    "relu, SGD, batch 256": (relu, plain, SGD, 256),
}


def recipe(name, rate):
    model, data, factory, batch_size = CASES[name]
    loss = nn.CrossEntropyLoss() if data.train[1].dtype == torch.int64 else nn.MSELoss()
    return Recipe(model=model, data=data, loss=loss, optimizer=partial(factory, lr=rate),
                  batch_size=batch_size, steps=400)  # fmt: skip


def full_losses(name):
    """Median validation loss at each rate; that of the smallest rate where it diverges."""
    results = run_arms({str(rate): recipe(name, rate) for rate in RATES}, SEEDS)
    losses = []
    for runs in results.values():
        ends = [r.run.history.last("validation") for r in runs if r.run is not None]
        losses.append(np.median([e.loss if math.isfinite(e.loss) else math.inf for e in ends]))
    return np.minimum(losses, losses[0])


def judged(name, method):
    losses = full_losses(name)
    best = int(np.argmin(losses))
    gain = losses[0] - losses[best]
    fails = [r for r, loss in zip(RATES, losses, strict=True)
             if r > RATES[best] and loss >= losses[best] + FAILS * gain]  # fmt: skip
    started = time.perf_counter()
    found = lr_range_test(recipe(name, 1e-3), method=method)
    seconds = time.perf_counter() - started
    regret = math.nan
    if found.suggestion is not None:
        reached = np.interp(math.log(found.suggestion), np.log(RATES), losses)
        regret = (reached - losses[best]) / gain
    return RATES[best], min(fails, default=None), found, regret, seconds


def rate_word(rate):
    return f"{rate:9.2g}" if rate is not None else f"{'-':>9s}"


def main():
    words = [word for word in sys.argv[1:] if word != "--fresh"]
    method = "fresh" if "--fresh" in sys.argv else "ramp"
    word = words[0] if words else ""
    print(
        f"{'':27s}{'best':>9s}{'fails':>9s}{'diverges':>9s}{'suggests':>9s}  name            regret"
    )
    near, regrets, spent = [], [], []
    for name in CASES:
        if word not in name:
            continue
        best, fails, found, regret, seconds = judged(name, method)
        spent.append(seconds)
        rates = "".join(map(rate_word, (best, fails, found.divergence, found.suggestion)))
        print(f"{name:27s}{rates}  {next(iter(found.suggestions), found.reason):15s} {regret:.2f}")
        if found.suggestion is not None:
            near.append(0.1 <= found.suggestion / best <= 10)
            regrets.append(regret)
    print(
        f"{len(near)} of {len(spent)} get a suggestion; within a factor 10 of the best rate: "
        f"{sum(near)}; mean regret {np.mean(regrets):.2f}; {np.mean(spent):.2f} s a test"
    )


if __name__ == "__main__":
    main()
