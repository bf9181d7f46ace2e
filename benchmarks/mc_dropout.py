"""What `predict_distribution` gains over a loop of forward passes.

1,000 samples of the lecture's SimpleMNIST net (784 inputs, hidden layers of 100 sigmoids, dropout
of 0.2 in front of the activations after the first) for one input and for 256. The loop only makes
the draws; `predict_distribution` also summarises them. Both are run in turn; printed is the ratio
loop / ours of each pair: lower quartile, median, upper quartile. At least 5 is claimed for
784-100-100-10.

Times are CPU seconds on one thread, so that whatever else the machine does counts little.

"nets" draws one thinned net a sample for all rows, which is the default; "batches" draws masks for
each row of each sample, as the loop does.

    python benchmarks/mc_dropout.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import nn

from torchclinic.nn import predict_distribution

SAMPLES = 1000
CLAIM = 5.0


def simple_mnist(hidden, everywhere=False):
    layers = [nn.Linear(784, 100), nn.Sigmoid()]
    if everywhere:
        layers.append(nn.Dropout(0.2))
    for _ in range(hidden - 1):
        after = [nn.Sigmoid(), nn.Dropout(0.2)] if everywhere else [nn.Dropout(0.2), nn.Sigmoid()]
        layers += [nn.Linear(100, 100), *after]
    return nn.Sequential(*layers, nn.Linear(100, 10))


NETS = {
    "784-100-100-10": (lambda: simple_mnist(2), True),
    "784-100-100-100-10": (lambda: simple_mnist(3), False),
    "784-100-100-10, after each activation": (lambda: simple_mnist(2, everywhere=True), False),
}


def loop(model, x):
    model.train()
    with torch.no_grad():
        return torch.stack([model(x) for _ in range(SAMPLES)])


def seconds(work):
    started = time.process_time()
    work()
    return time.process_time() - started


def compare(model, x, method, rounds):
    def ours():
        return predict_distribution(model, x, SAMPLES, method=method)

    used = ours().method
    loop(model, x)
    pairs = []
    for turn in range(rounds):
        if turn % 2:
            theirs, own = seconds(lambda: loop(model, x)), seconds(ours)
        else:
            own, theirs = seconds(ours), seconds(lambda: loop(model, x))
        pairs.append((theirs / own, theirs, own))
    table = torch.tensor(pairs, dtype=torch.float64)
    return used, table[:, 0].quantile(torch.tensor([0.25, 0.5, 0.75]).double()), table.median(0)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {rounds} pairs a line")
    print(f"{'net':40s}{'rows':>5s}  {'drawn as':9s}{'loop':>8s}{'ours':>8s}   loop / ours")
    for name, (make, claimed) in NETS.items():
        torch.manual_seed(0)
        model = make()
        for rows, method in ((1, "auto"), (256, "auto"), (256, "batches")):
            x = torch.rand(rows, 784)
            used, (low, middle, high), (_, theirs, own) = compare(model, x, method, rounds)
            verdict = "no claim"
            if claimed:
                verdict = "ok" if middle >= CLAIM else f"below {CLAIM}"
            print(
                f"{name:40s}{rows:5d}  {used:9s}{theirs:6.3f} s{own:6.3f} s   "
                f"{low:5.1f} {middle:5.1f} {high:5.1f}  {verdict}"
            )


if __name__ == "__main__":
    main()
