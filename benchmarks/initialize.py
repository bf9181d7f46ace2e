"""How long it takes to initialise a net of 100 layers, beside torch's own loop over its modules.

For each net and scheme: CPU seconds of `torchclinic.init.initialize` on one thread (median of the
repeats), those of `kaiming_normal_` (for orthogonal weights `orthogonal_`) and `zeros_` on the same
layers, and their ratio. The front door also finds out which activation follows each layer, so it
cannot be as fast as the loop, but it has to take less than a second. Exits with 1 if one does not;
orthogonal weights of 500 x 500, where the decomposition alone takes that long, are shown only.

    python benchmarks/initialize.py
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

import torch
from torch import nn

from torchclinic.init import SCHEMES, initialize

REPEATS = 5
LIMIT = 1.0  # seconds


def linear(width=100, layers=100):
    blocks = [[nn.Linear(width, width), nn.ReLU()] for _ in range(layers - 1)]
    return nn.Sequential(*(m for block in blocks for m in block), nn.Linear(width, 10))


def convolutional(channels=32, layers=100):
    blocks = [
        [nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        for _ in range(layers - 1)
    ]
    return nn.Sequential(
        *(m for block in blocks for m in block), nn.Flatten(), nn.Linear(channels * 64, 10)
    )


def by_hand(model, scheme):
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            if scheme == "orthogonal":
                nn.init.orthogonal_(module.weight)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)


def seconds(function):
    function()
    spent = []
    for _ in range(REPEATS):
        started = time.process_time()
        function()
        spent.append(time.process_time() - started)
    return statistics.median(spent)


def main():
    torch.set_num_threads(1)
    slowest = 0.0
    nets = {
        "100 linear layers of 100": (linear(), None),
        "100 linear layers of 500": (linear(500), None),
        "100 convolutions of 32, normed": (convolutional(), None),
        "the same, by a forward pass": (convolutional(), torch.zeros(1, 32, 8, 8)),
    }
    for name, (model, inputs) in nets.items():
        print(name)
        for scheme in ("auto", *SCHEMES):
            loop = seconds(partial(by_hand, model, scheme))
            spent = seconds(partial(initialize, model, scheme, inputs=inputs))
            if (name, scheme) != ("100 linear layers of 500", "orthogonal"):
                slowest = max(slowest, spent)
            print(f"  {scheme:15s} {spent:.3f} s, loop {loop:.3f} s, ratio {spent / loop:5.1f}")
    print(f"slowest: {slowest:.3f} s, {'below' if slowest < LIMIT else 'NOT below'} {LIMIT:g} s")
    return 0 if slowest < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
