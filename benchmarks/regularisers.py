"""What DropConnect, DropBlock and stochastic depth cost beside torch's own Dropout.

Each line times a forward and a backward pass of two modules in turn and prints the ratio of each
pair of timings: lower quartile, median, upper quartile. At most 1.3 is claimed.

What is beside what: DropBlock and stochastic depth stand in the place of an `nn.Dropout`, on the
same tensor. DropConnect's mask has the shape of the weight, so that it is compared once with
torch's dropout on the weight ("on the weight"), and once with the layer that it replaces, an affine
layer and an `nn.Dropout` on its output ("on the output").

Times are CPU seconds on one thread, so that whatever else the machine does counts little.

    python benchmarks/regularisers.py [--rounds 200]
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

from torchclinic.nn import (
    DropBlock1d,
    DropBlock2d,
    DropBlock3d,
    DropConnectConv2d,
    DropConnectLinear,
    GaussianDropout,
    LockedDropout,
    StochasticDepth,
)

CLAIM = 1.3
MAPS = (32, 64, 14, 14)


class LinearDroppedByTorch(nn.Linear):
    """DropConnect as one writes it with torch's dropout."""

    def forward(self, x):
        return F.linear(x, F.dropout(self.weight, 0.5, self.training), self.bias)


class ConvDroppedByTorch(nn.Conv2d):
    def forward(self, x):
        return self._conv_forward(x, F.dropout(self.weight, 0.5, self.training), self.bias)


def linear_and_dropout():
    return nn.Sequential(nn.Linear(784, 100), nn.Dropout(0.5))


def conv_and_dropout():
    return nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.Dropout(0.5))


def drop_connect():
    return DropConnectLinear(784, 100, p=0.5)


def drop_connect_conv():
    return DropConnectConv2d(64, 64, 3, padding=1, p=0.5)


CASES = [
    ("DropConnectLinear, 32 rows, on the weight", drop_connect,
     lambda: LinearDroppedByTorch(784, 100), (32, 784), True),
    ("DropConnectLinear, 256 rows, on the weight", drop_connect,
     lambda: LinearDroppedByTorch(784, 100), (256, 784), True),
    ("DropConnectLinear, 32 rows, on the output", drop_connect, linear_and_dropout,
     (32, 784), False),
    ("DropConnectLinear, 128 rows, on the output", drop_connect, linear_and_dropout,
     (128, 784), True),
    ("DropConnectLinear, 256 rows, on the output", drop_connect, linear_and_dropout,
     (256, 784), True),
    ("DropConnectConv2d, on the weight", drop_connect_conv,
     lambda: ConvDroppedByTorch(64, 64, 3, padding=1), (8, 64, 14, 14), True),
    ("DropConnectConv2d, on the output", drop_connect_conv, conv_and_dropout,
     (8, 64, 14, 14), True),
    ("DropBlock1d, blocks of 7", lambda: DropBlock1d(0.1, 7), lambda: nn.Dropout(0.1),
     (32, 64, 196), True),
    ("DropBlock2d, blocks of 3", lambda: DropBlock2d(0.1, 3), lambda: nn.Dropout(0.1), MAPS, True),
    ("DropBlock2d, blocks of 7", lambda: DropBlock2d(0.1, 7), lambda: nn.Dropout(0.1), MAPS, True),
    ("DropBlock3d, blocks of 3", lambda: DropBlock3d(0.1, 3), lambda: nn.Dropout(0.1),
     (8, 16, 12, 12, 12), True),
    ("StochasticDepth, by row", lambda: StochasticDepth(0.2), lambda: nn.Dropout(0.2), MAPS, True),
    ("StochasticDepth, by batch", lambda: StochasticDepth(0.2, "batch"), lambda: nn.Dropout(0.2),
     MAPS, True),
    ("LockedDropout", lambda: LockedDropout(0.5), lambda: nn.Dropout(0.5), (32, 50, 256), False),
    ("GaussianDropout", lambda: GaussianDropout(0.5), lambda: nn.Dropout(0.5), MAPS, False),
]  # fmt: skip


def timed(module, x, upstream):
    started = time.process_time()
    module(x).backward(upstream)
    seconds = time.process_time() - started
    x.grad = None
    module.zero_grad()
    return seconds


def ratios(make_ours, make_theirs, shape, rounds):
    torch.manual_seed(0)
    ours, theirs = make_ours().train(), make_theirs().train()
    x = torch.randn(shape, requires_grad=True)
    upstream = torch.randn_like(theirs(x))
    for module in (ours, theirs) * 5:
        timed(module, x, upstream)
    pairs = []
    for turn in range(rounds):
        first, second = (ours, theirs) if turn % 2 else (theirs, ours)
        seconds = {first: timed(first, x, upstream), second: timed(second, x, upstream)}
        pairs.append(seconds[ours] / seconds[theirs])
    return torch.tensor(pairs).quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {rounds} pairs a line")
    print(
        f"{'forward and backward, ours / torch':46s}{'quartile':>9s}{'median':>8s}{'quartile':>9s}"
    )
    for name, ours, theirs, shape, claimed in CASES:
        low, middle, high = ratios(ours, theirs, shape, rounds)
        verdict = ("ok" if middle <= CLAIM else f"above {CLAIM}") if claimed else "no claim"
        print(f"{name:46s}{low:9.2f}{middle:8.2f}{high:9.2f}  {verdict}")


if __name__ == "__main__":
    main()
