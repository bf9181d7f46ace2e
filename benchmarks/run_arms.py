"""What worker processes gain over running arms one after the other.

Prints, for each load: seconds in this process with as many threads as torch takes by itself, in
this process on one thread, and in one worker process a core; and the cost of a fork.

    python benchmarks/run_arms.py
"""

from __future__ import annotations

import time
from functools import partial

import torch
from torch import nn
from torch.optim import SGD, Adam

from torchclinic.core import Recipe
from torchclinic.engine import run_arms
from torchclinic.engine.child import Child
from torchclinic.engine.cores import available_cores
from torchclinic.training import train

SEEDS = range(6)


def clouds(rows=1300, features=64):
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(10, features, generator=generator)
    y = torch.randint(10, (rows,), generator=generator)
    return centres[y] + torch.randn(rows, features, generator=generator), y


def dense(width):
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1024, 10),
    )


def recipe(model, optimizer, steps, batch_size=32):
    return Recipe(
        model=model,
        data=clouds(),
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        steps=steps,
        batch_size=batch_size,
    )


LOADS = {
    "dense 64, batch 32, 400 steps": recipe(partial(dense, 64), partial(SGD, lr=0.1), 400),
    "dense 64, batch 32, 40 steps": recipe(partial(dense, 64), partial(SGD, lr=0.1), 40),
    "dense 512, batch 256, 60 steps": recipe(partial(dense, 512), partial(Adam, lr=1e-3), 60, 256),
    "convolutional, batch 32, 60 steps": recipe(convolutional, partial(Adam, lr=1e-3), 60),
}


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_process(load):
    for seed in SEEDS:
        train(load, seed)


def best(work, repeats=3):
    return min(seconds(work) for _ in range(repeats))


def ask(child):
    child.give(0)
    child.collect()
    child.kill()


def main():
    cores = available_cores()
    torch.set_num_threads(cores)
    in_process(LOADS["dense 64, batch 32, 40 steps"])  # imports
    print(f"{cores} cores, {len(SEEDS)} runs a load")
    print(f"{'':36s}{cores} threads  1 thread  {cores} workers  gain")
    for name, load in LOADS.items():
        threads = best(partial(in_process, load))
        one = best(partial(run_arms, {"a": load}, SEEDS, parallel=1))
        workers = best(partial(run_arms, {"a": load}, SEEDS, parallel=cores))
        gain = min(threads, one) / workers
        print(f"{name:36s}{threads:7.2f} s{one:8.2f} s{workers:8.2f} s {gain:6.2f}")
    fork = seconds(lambda: [ask(Child([int])) for _ in range(20)]) / 20
    print(f"a fork and its answer: {1000 * fork:.1f} ms")


if __name__ == "__main__":
    main()
