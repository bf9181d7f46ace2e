"""What it saves to compute the losses of a population of models in one batched forward pass.

For each net: milliseconds of `population_loss` for a population, those of the loop that loads one
vector after the other, their ratio, and the largest relative difference of the values.

    python benchmarks/population_loss.py
"""

from __future__ import annotations

import time
from itertools import pairwise

import torch
from torch import nn

from torchclinic.optim.derivative_free import flat_parameters, load_flat, population_loss

POPULATION, ROWS, REPEATS = 64, 128, 3


def mlp(*sizes):
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*layers[:-1])


NETS = {
    "2-8-2": mlp(2, 8, 2),
    "2-8-8-8-2": mlp(2, 8, 8, 8, 2),
    "64-32-10": mlp(64, 32, 10),
    "784-100-100-10": mlp(784, 100, 100, 10),
}


def seconds(function):
    function()
    started = time.perf_counter()
    for _ in range(REPEATS):
        values = function()
    return (time.perf_counter() - started) / REPEATS, values


def main():
    torch.set_num_threads(1)
    loss = nn.functional.cross_entropy
    for name, model in NETS.items():
        inputs, outputs = model[0].in_features, model[-1].out_features
        x, y = torch.randn(ROWS, inputs), torch.randint(outputs, (ROWS,))
        vectors = flat_parameters(model) + 0.1 * torch.randn(
            POPULATION, flat_parameters(model).numel()
        )
        together = population_loss(model, loss, x, y)

        def loop(model=model, vectors=vectors, x=x, y=y):
            values = []
            with torch.no_grad():
                for vector in vectors:
                    load_flat(model, vector)
                    values.append(loss(model(x), y))
            return torch.stack(values)

        batched, values = seconds(lambda together=together, vectors=vectors: together(vectors))
        looped, expected = seconds(loop)
        apart = ((values - expected).abs() / expected).max().item()
        times = f"together {batched * 1e3:7.2f} ms, one by one {looped * 1e3:7.2f} ms"
        print(
            f"{name:15s} {POPULATION} models, {ROWS} rows: {times}, ratio {looped / batched:5.1f}, "
            f"apart {apart:.0e}"
        )


if __name__ == "__main__":
    main()
