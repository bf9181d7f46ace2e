"""How many steps a second a study makes: the stacked engine against everything else.

The loops of a comparison run in turns in one process; what is printed are medians of the ratios
within a round, with quartiles. Speeds are in member-steps a second: optimizer updates, of all runs
together. Each is also given by processor time, times the cores that the loop uses: what it would be
on a machine with nothing else to do. Where other programs run, that is the clock to look at
(--clock processor), since a loop on all cores then gets no larger share than one on a single core.

    python benchmarks/study_throughput.py [--rounds 7] [--seconds 4] [--only sgd,adam,...]

The work is the specification's net (784-100-100-100-10, sigmoid, batch 32, SGD), 32 seeds of it,
on rows shaped like MNIST's. "sequential" is `torchclinic.train` over tensors in memory, on one
core; "specification" its own loop, from training_loop.py; "products" nothing but the matrix
products of forward and backward with torch's `bmm`, in stacks of 8, in as many processes as the
stacked engine has; "jax" the same training as `vmap` of a jitted `scan`.

Exit code 1 if a target is missed. With a GPU the same stack is also measured there.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

from torchclinic.core import Recipe
from torchclinic.engine import run_arms
from torchclinic.engine.cores import available_cores
from torchclinic.engine.stacked import native, plan_stacks
from torchclinic.engine.workers import Workers

sys.path.insert(0, str(Path(__file__).parent))

MEMBERS = 32
BATCH = 32
WIDTHS = (784, 100, 100, 100, 10)
ROWS = 60_000
RATE = 0.01
TARGETS = {  # numerator / denominator: at least
    ("stacked", "sequential"): 3.2,
    ("stacked", "specification"): 20.0,
    ("stacked", "products"): 0.75,
    ("stacked", "jax"): 0.8,
    ("stacked batchnorm", "sequential batchnorm"): 2.6,
    ("stacked adam", "sequential adam"): 2.6,
    ("stacked cnn", "sequential cnn, all cores"): 0.95,  # the same code: a tie, within the noise
    ("one member", "bare loop"): 0.95,  # an overhead of at most 1.05
}
Loop = Callable[[int], int]  # steps for each member -> member-steps made
Speeds = dict[str, "list[Speed]"]
ON_ALL_CORES = {
    *("stacked", "stacked batchnorm", "stacked adam", "stacked cnn"),
    *("products", "sequential cnn, all cores", "jax"),
}


# --- the work ------------------------------------------------------------------------------------


def net(norm: type[nn.Module] | None = None) -> nn.Sequential:
    """The specification's net, perhaps with a normalisation after each hidden layer."""
    layers: list[nn.Module] = []
    for before, after in pairwise(WIDTHS[:-1]):
        layers += [nn.Linear(before, after), *([norm(after)] if norm else []), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(*WIDTHS[-2:]))


def cnn() -> nn.Sequential:
    """A small convolutional net."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(784, 10),
    )


def rows() -> tuple[Tensor, Tensor]:
    """Random images and labels."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, WIDTHS[0], generator=generator)
    return x, torch.randint(WIDTHS[-1], (ROWS,), generator=generator)


def recipe(data: tuple[Tensor, Tensor], **changes: object) -> Recipe:
    """The specification's training."""
    fields = {
        "model": net,
        "data": data,
        "loss": nn.CrossEntropyLoss(),
        "optimizer": partial(SGD, lr=RATE),
        "batch_size": BATCH,
        "steps": 10**6,
    }
    return Recipe(**{**fields, **changes})


# --- the loops -----------------------------------------------------------------------------------


def stacked(made: Recipe, members: int = MEMBERS, parallel: int | None = None) -> Loop:
    """The stacked engine on all cores, from the recipes to the results."""

    def run(steps: int) -> int:
        found = run_arms(
            {"a": made}, range(members), engine="stacked", max_steps=steps, parallel=parallel
        )
        assert all(len(run.run.history.losses) == steps for run in found["a"])
        return steps * members

    return run


def sequential(made: Recipe, members: int = 1, parallel: int = 1) -> Loop:
    """The sequential engine."""

    def run(steps: int) -> int:
        found = run_arms({"a": made}, range(members), max_steps=steps, parallel=parallel)
        assert all(len(run.run.history.losses) == steps for run in found["a"])
        return steps * members

    return run


def one(made: Recipe) -> Loop:
    """A study of one arm and one seed."""
    return stacked(made, members=1)


def bare(data: tuple[Tensor, Tensor]) -> Loop:
    """One run in a hand-written loop."""
    x, y = data
    criterion = nn.CrossEntropyLoss()

    def run(steps: int) -> int:
        torch.manual_seed(0)
        model = net()
        optimizer = SGD(model.parameters(), lr=RATE)
        order = torch.randperm(ROWS)
        for step in range(steps):
            start = step * BATCH % (ROWS - BATCH)
            index = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = criterion(model(x[index]), y[index])
            loss.backward()
            optimizer.step()
        return steps

    return run


def products(members: int, parallel: int) -> Loop:
    """The matrix products of a step, and nothing else, in chunks of 8 over as many processes."""
    chunks = max(parallel, members // 8)

    def work(steps: int) -> None:
        size = members // chunks
        x = torch.randn(size, BATCH, WIDTHS[0])
        weights = [torch.randn(size, o, i) for i, o in pairwise(WIDTHS)]
        outs = [torch.empty(size, BATCH, w.shape[1]) for w in weights]
        backs = [torch.empty(size, BATCH, w.shape[2]) for w in weights]
        grads = [torch.empty_like(w) for w in weights]
        d = [torch.randn_like(o) for o in outs]
        for _ in range(steps):
            h = x
            for weight, out in zip(weights, outs, strict=True):
                h = torch.bmm(h, weight.mT, out=out)
            for k in reversed(range(len(weights))):
                torch.bmm(d[k].mT, outs[k - 1] if k else x, out=grads[k])
                if k:
                    torch.bmm(d[k], weights[k], out=backs[k])

    def run(steps: int) -> int:
        works = {number: partial(work, steps) for number in range(chunks)}
        if parallel == 1:
            for piece in works.values():
                piece()
        else:
            for _, outcome in Workers(parallel, works, lambda _: True).outcomes():
                assert outcome.error is None, outcome.error
        return steps * members

    return run


def jax_scan(data: tuple[Tensor, Tensor]) -> Loop | None:
    """The same training as vmap of a jitted scan, all members at once; None without JAX."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    x, y = jnp.asarray(data[0].numpy()), jnp.asarray(data[1].numpy())

    def loss(parameters, inputs, labels):
        for weight, bias in parameters[:-1]:
            inputs = jax.nn.sigmoid(inputs @ weight + bias)
        logits = inputs @ parameters[-1][0] + parameters[-1][1]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()

    def step(parameters, index):
        value, gradient = jax.value_and_grad(loss)(parameters, x[index], y[index])
        moved = jax.tree_util.tree_map(lambda p, g: p - RATE * g, parameters, gradient)
        return moved, value

    trained = jax.jit(jax.vmap(lambda parameters, order: jax.lax.scan(step, parameters, order)))
    chunk, length = 8, 200
    sizes = list(pairwise(WIDTHS))

    def start(size):
        return [(jnp.ones((size, i, o)) * 0.01, jnp.zeros((size, o))) for i, o in sizes]

    def order(size):
        index = torch.randint(ROWS, (size, length, BATCH))
        return jnp.asarray(index.numpy())

    trained(start(chunk), order(chunk))[1].block_until_ready()  # compiles

    def run(steps: int) -> int:
        made = 0
        for _ in range(max(1, steps // length)):
            for _ in range(MEMBERS // chunk):
                trained(start(chunk), order(chunk))[1].block_until_ready()
                made += chunk * length
        return made

    return run


def specification(data: tuple[Tensor, Tensor], folder: str) -> Loop | None:
    """The specification's own loop; None without Pillow and TensorBoard."""
    try:
        import training_loop
    except ImportError:
        return None
    images = (data[0].clamp(-2, 2) * 60 + 128).to(torch.uint8).reshape(-1, 28, 28)
    loop = training_loop.specification(images, data[1], folder)

    def run(steps: int) -> int:
        loop(steps)
        return steps

    return run


# --- measuring -----------------------------------------------------------------------------------


class Speed(NamedTuple):
    """Member-steps a second of wall time, and of processor time on all the cores that it uses."""

    wall: float
    processor: float


def processor_seconds() -> float:
    """Of this process and of the children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def speed(run: Loop, steps: int, cores: int) -> Speed:
    """How fast a loop is."""
    wall, processor = time.perf_counter(), processor_seconds()
    made = run(steps)
    wall, processor = time.perf_counter() - wall, processor_seconds() - processor
    return Speed(made / wall, made / max(processor, 1e-9) * cores)


def steps_for(run: Loop, seconds: float) -> int:
    """Steps that take about so long, counted by doubling."""
    steps = 25
    while True:
        started = time.perf_counter()
        run(steps)
        passed = time.perf_counter() - started
        if passed > seconds / 2 or steps >= 20_000:
            return max(25, int(steps * seconds / passed) // 25 * 25)
        steps *= 2


def ratio(found: Speeds, above: str, below: str, clock: int) -> tuple[float, float, float]:
    """Quartiles of the ratio within a round."""
    values = [a[clock] / b[clock] for a, b in zip(found[above], found[below], strict=True)]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def measure(loops: dict[str, Loop], rounds: int, seconds: float, cores: int) -> Speeds:
    """Speeds of each loop in each round, taken in turns."""
    steps = {name: steps_for(run, seconds) for name, run in loops.items()}
    found: Speeds = {name: [] for name in loops}
    for _ in range(rounds):
        for name, run in loops.items():
            used = cores if name in ON_ALL_CORES else 1
            found[name].append(speed(run, steps[name], used))
    return found


def report(found: Speeds, clock: int) -> bool:
    """Print speeds and ratios; whether all targets were met by this clock."""
    for name, values in found.items():
        wall, processor = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"  {name:28s}{wall:9,.0f} member-steps/s; by processor time {processor:9,.0f}")
    good = True
    for (above, below), least in TARGETS.items():
        if above in found and below in found:
            told = [f"  {above} / {below}"]
            for each, word in enumerate(("wall", "processor")):
                low, middle, high = ratio(found, above, below, each)
                told.append(f"{word} {middle:.2f} [{low:.2f}, {high:.2f}]")
            met = ratio(found, above, below, clock)[1] >= least
            good &= met
            print("; ".join(told), "PASS" if met else "MISS", f"(at least {least})")
    return good


def peak() -> str:
    """Most memory that this process, and its largest child, ever had."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, child = (resource.getrusage(kind).ru_maxrss / 1024 for kind in kinds)
    return f"{own:,.0f} MB in this process, {child:,.0f} MB in its largest child"


def comparisons(data: tuple[Tensor, Tensor], folder: str, cores: int) -> dict[str, dict[str, Loop]]:
    """What is measured in turns with what."""
    made = recipe(data)
    batchnorm = recipe(data, model=partial(net, nn.BatchNorm1d))
    adam = recipe(data, optimizer=partial(Adam, lr=1e-3))
    images = recipe(data, model=cnn)
    sgd = {
        "stacked": stacked(made),
        "sequential": sequential(made),
        "products": products(MEMBERS, cores),
    }
    known = {
        "sgd": sgd,
        "batchnorm": {
            "stacked batchnorm": stacked(batchnorm),
            "sequential batchnorm": sequential(batchnorm),
        },
        "adam": {"stacked adam": stacked(adam), "sequential adam": sequential(adam)},
        "cnn": {
            "stacked cnn": stacked(images, members=8),
            "sequential cnn, all cores": sequential(images, members=8, parallel=cores),
        },
        "one": {"one member": one(made), "bare loop": bare(data)},
    }
    slow = specification(data, folder)
    if slow is not None:
        sgd["specification"] = slow
    compiled = jax_scan(data)
    if compiled is not None:
        known["jax"] = {"stacked": stacked(made), "jax": compiled}
    if torch.cuda.is_available():
        there = recipe(data, device="cuda")
        known["gpu"] = {
            "stacked on the GPU": stacked(there, members=128),
            "sequential on the GPU": sequential(there),
        }
        TARGETS["stacked on the GPU", "sequential on the GPU"] = 40.0
    return known


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each loop in each round")
    parser.add_argument("--only", default="", help="sgd, batchnorm, adam, cnn, one, jax, gpu")
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="os.fork")  # JAX has threads; its turn is last
    warnings.filterwarnings("ignore", message=".*worker processes in total")
    torch.set_num_threads(1)
    cores = available_cores()
    data = rows()
    started = time.perf_counter()
    kernels = native.prepare(compile_now=True)
    prepared = time.perf_counter() - started
    started = time.perf_counter()
    plan = plan_stacks({"a": recipe(data)}, range(MEMBERS))
    planned = time.perf_counter() - started
    size = plan.groups[0].size
    print(
        f"{cores} cores, load {os.getloadavg()[0]:.1f}; kernels "
        f"{'compiled' if kernels else 'missing'} ({prepared:.1f} s); planned in {planned:.2f} s: "
        f"{plan.groups[0].kind}, stacks of at most {size}"
    )
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name, loops in comparisons(data, folder, cores).items():
            if not options.only or name in options.only.split(","):
                print(f"{name}:", flush=True)
                found = measure(loops, options.rounds, options.seconds, cores)
                good &= report(found, ("wall", "processor").index(options.clock))
    print(f"peak memory: {peak()}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
