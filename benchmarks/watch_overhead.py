"""What watching costs: watched over bare step time, side by side in one process, on three loads.

One training is watched in every second block of its steps and not watched in the others, so that
both meet the same machine and the same memory: two trainings of the same model differ by up to 3 %
because their tensors lie elsewhere. The figure is the median over pairs of neighbouring blocks.

    python benchmarks/watch_overhead.py                 # default budget and every step, one core
    python benchmarks/watch_overhead.py --cores 2 --loads mlp
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from torchclinic.watch import WatchOptions

# Largest ratio that is acceptable: (default budget, every step).
TARGETS = {"mlp": (1.03, 1.5), "cnn": (1.03, 1.03), "transformer": (1.03, 1.03)}


class Transformer(nn.Module):
    """Four layers, d=128, over token numbers."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
        self.embedding = nn.Embedding(1000, 128)
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(128, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


def mlp() -> nn.Module:
    sizes = (784, 100, 100, 100)
    hidden = [m for i, o in pairwise(sizes) for m in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(100, 10))


def cnn() -> nn.Module:
    blocks: list[nn.Module] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        blocks += [conv, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(128 * 16, 10))


@dataclass(frozen=True)
class Load:
    model: Callable[[], nn.Module]
    inputs: Callable[[], Tensor]
    rows: int
    block: int  # steps in a turn
    turns: int


LOADS = {
    "mlp": Load(mlp, lambda: torch.randn(32, 784), 32, 64, 250),
    "cnn": Load(cnn, lambda: torch.randn(64, 3, 32, 32), 64, 4, 60),
    "transformer": Load(Transformer, lambda: torch.randint(0, 1000, (32, 64)), 32, 2, 40),
}


class Training:
    """One model, optimizer and batch, and a watch that is awake only in its own blocks."""

    clock = staticmethod(time.perf_counter)

    def __init__(self, load: Load, options: WatchOptions) -> None:
        torch.manual_seed(0)
        self.model = load.model()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.loss = nn.CrossEntropyLoss()
        self.inputs, self.targets = load.inputs(), torch.randint(0, 10, (load.rows,))
        self.watch = options.start(self.model, self.optimizer)

    def bare(self, steps: int) -> float:
        """Seconds for so many steps that are not watched."""
        with self.watch.paused():
            return self.watched(steps)

    def watched(self, steps: int) -> float:
        """Seconds for so many steps."""
        start = self.clock()
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.loss(self.model(self.inputs), self.targets).backward()
            self.optimizer.step()
        return self.clock() - start


def measure(load: Load, options: WatchOptions) -> dict[str, float]:
    """Turns of bare, watched, watched, bare; ratios of neighbours."""
    training = Training(load, options)
    training.bare(load.block)  # warm
    ratios: list[float] = []
    totals = [0.0, 0.0]
    for turn in range(load.turns):
        if turn % 2:
            bare, watched = training.bare(load.block), training.watched(load.block)
        else:
            watched, bare = training.watched(load.block), training.bare(load.block)
        ratios.append(watched / bare)
        totals[0] += bare
        totals[1] += watched
    training.watch.stop()
    trace = training.watch.trace
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "ratio": middle,
        "low": low,
        "high": high,
        "of_totals": totals[1] / totals[0],
        "bare_us": 1e6 * totals[0] / (load.block * load.turns),
        "says": 1 + trace.cost.share,
        "readings": trace.cost.readings,
        "steps": trace.cost.steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--loads", nargs="*", default=list(LOADS), choices=list(LOADS))
    parser.add_argument("--turns", type=int, help="turns of each load instead of its own number")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[-chosen.cores :]
    os.sched_setaffinity(0, cores)
    torch.set_num_threads(len(cores))
    Training.clock = staticmethod(time.process_time if len(cores) == 1 else time.perf_counter)
    print(
        f"torch {torch.__version__}, {len(cores)} core(s); watched / bare step time, median block"
    )
    print(
        f"{'load':12s} {'reading':8s} {'ratio':>7s} {'quartiles':>15s} {'totals':>7s} "
        f"{'says':>7s} {'target':>7s} {'bare us':>9s} {'read':>11s}"
    )
    found: dict[str, dict[str, float]] = {}
    for name in chosen.loads:
        load = LOADS[name] if chosen.turns is None else replace(LOADS[name], turns=chosen.turns)
        for reading, options in (("budget", WatchOptions()), ("every 1", WatchOptions(every=1))):
            figures = measure(load, options)
            target = TARGETS[name][reading != "budget"]
            found[f"{name}/{reading}"] = {**figures, "target": target}
            verdict = "ok" if figures["ratio"] <= target else "OVER"
            print(
                f"{name:12s} {reading:8s} {figures['ratio']:7.3f} "
                f"{figures['low']:7.3f}-{figures['high']:.3f}  {figures['of_totals']:7.3f} "
                f"{figures['says']:7.3f} {target:7.2f} {figures['bare_us']:9.0f} "
                f"{figures['readings']:5.0f}/{figures['steps']:<5.0f} {verdict}",
                flush=True,
            )
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
