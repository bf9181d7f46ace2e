"""Our training loop against the specification's and against a bare one, in milliseconds a step.

Three loops train the specification's net (784-100-100-100-10, sigmoid, batch 32, SGD) in turns,
in one process pinned to one core, so that a busy machine slows all of them alike:

a  the specification's: a PIL image, ToTensor and Normalize for each sample, a DataLoader with two
   workers, TensorBoard scalars of the loss and of every layer's activation and gradient at each
   step, through hooks. Pillow and NumPy do here what torchvision does there.
b  a bare loop, as one would write it by hand over tensors in memory, without any record.
c  torchclinic.train, whole calls: building, recording and all.

    pip install pillow tensorboard
    python benchmarks/training_loop.py [--rounds 12] [--steps 1000]

MNIST is read from TORCHCLINIC_DATA; without it random images of the same shape are used. Exit code
1 if c is not at least 9 times faster than a, or slower than 1.1 times b.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter

import torchclinic as tc
from torchclinic.data import read_idx

LEAST_SPEEDUP = 9.0  # over the specification's loop
MOST_OVERHEAD = 1.1  # of the bare loop
BATCH = 32
RATE = 1e-3


class SimpleNet(nn.Module):
    """The specification's net with three hidden layers."""

    def __init__(self) -> None:
        super().__init__()
        activation = nn.Sigmoid()
        hidden: list[nn.Module] = []
        for before in (784, 100, 100):
            hidden += [nn.Linear(before, 100), activation]
        self.layers = nn.Sequential(*hidden, nn.Linear(100, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.view(-1, 784))


# --- a: the specification's loop ------------------------------------------------------------------


def to_tensor(image: Image.Image) -> Tensor:
    """What torchvision's ToTensor does with a grey image."""
    array = np.array(image, np.uint8, copy=True)
    tensor = torch.from_numpy(array).view(image.size[1], image.size[0], 1)
    return tensor.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


def normalize(tensor: Tensor, mean: float = 0.5, std: float = 0.5) -> Tensor:
    """What torchvision's Normalize does."""
    out = tensor.clone()
    means = torch.as_tensor([mean], dtype=out.dtype, device=out.device)
    stds = torch.as_tensor([std], dtype=out.dtype, device=out.device)
    if (stds == 0).any():
        raise ValueError("std is 0")
    return out.sub_(means.view(-1, 1, 1)).div_(stds.view(-1, 1, 1))


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Images as torchvision's MNIST gives them, one at a time."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.images[index].numpy())
        return normalize(to_tensor(image)), int(self.labels[index])


def register_model_hooks(model: SimpleNet, writer: SummaryWriter) -> None:
    """TensorBoard scalars of each linear layer's input and gradient, at each step."""
    linear = [child for child in model.layers.children() if isinstance(child, nn.Linear)]
    for number, child in enumerate(linear, 1):
        child.register_forward_hook(_forward_hook(writer, f"activation_{number}"))
        child.weight.register_hook(_backward_hook(writer, f"gradient_{5 - number}"))


def _forward_hook(writer: SummaryWriter, tag: str) -> Callable[..., None]:
    count = 0

    def hook(_module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        nonlocal count
        count += 1
        writer.add_scalar(tag, inputs[0].abs().mean(), count)

    return hook


def _backward_hook(writer: SummaryWriter, tag: str) -> Callable[[Tensor], None]:
    count = 0

    def hook(gradient: Tensor) -> None:
        nonlocal count
        count += 1
        writer.add_scalar(tag, gradient.abs().mean(), count)

    return hook


def specification(images: Tensor, labels: Tensor, folder: str) -> Callable[[int], None]:
    """A function that makes so many steps of the specification's loop.

    The loader's workers start once, as they do once an epoch there.
    """
    model, writer = SimpleNet(), SummaryWriter(folder)
    register_model_hooks(model, writer)
    optimizer, criterion = SGD(model.parameters(), lr=RATE), nn.CrossEntropyLoss()
    dataset = ImageDataset(images, labels)
    loader = DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=2)
    batches, step = _for_ever(loader), 0

    def run(steps: int) -> None:
        nonlocal step
        for _ in range(steps):
            optimizer.zero_grad()
            x, y = next(batches)
            x, y = x.to("cpu"), y.to("cpu")
            loss = criterion(model(x), y)
            step += 1
            writer.add_scalar("train_loss", loss.cpu().detach().numpy(), global_step=step)
            loss.backward()
            optimizer.step()
        writer.flush()

    return run


def _for_ever(loader: DataLoader[tuple[Tensor, int]]) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from loader


# --- b: bare; c: ours -----------------------------------------------------------------------------


def bare(x: Tensor, y: Tensor) -> Callable[[int], None]:
    """A function that makes so many steps of a hand-written loop."""
    model, criterion = SimpleNet(), nn.CrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=RATE)

    def run(steps: int) -> None:
        done = 0
        while done < steps:
            order = torch.randperm(len(x))
            for start in range(0, len(x), BATCH):
                index = order[start : start + BATCH]
                optimizer.zero_grad()
                loss = criterion(model(x[index]), y[index])
                loss.backward()
                optimizer.step()
                done += 1
                if done == steps:
                    return

    return run


def ours(x: Tensor, y: Tensor) -> Callable[[int], None]:
    """A function that calls torchclinic.train for so many steps."""
    recipe = tc.Recipe(
        model=SimpleNet,
        data=(x, y),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=RATE),
        batch_size=BATCH,
        steps=10**9,
    )

    def run(steps: int) -> None:
        history = tc.train(recipe, max_steps=steps).history
        assert len(history.losses) == steps

    return run


# --- measuring ------------------------------------------------------------------------------------


def load_images() -> tuple[Tensor, Tensor, str]:
    """MNIST's training images and labels as bytes, or random ones."""
    folder = Path(os.environ.get("TORCHCLINIC_DATA", ".")) / "mnist"
    files = [folder / f"train-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1")]
    if all(file.exists() for file in files):
        images, labels = (torch.from_numpy(np.array(read_idx(file))) for file in files)
        return images, labels.long(), f"MNIST from {folder}"
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (60_000, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.randint(10, (60_000,), generator=generator)
    return images, labels, "random images (set TORCHCLINIC_DATA for MNIST)"


def milliseconds(run: Callable[[int], None], steps: int) -> tuple[float, float]:
    """Wall and processor time of a step, over so many."""
    wall, busy = time.perf_counter(), time.process_time()
    run(steps)
    busy, wall = time.process_time() - busy, time.perf_counter() - wall
    return wall / steps * 1e3, busy / steps * 1e3


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=1000, help="a round; of the slow loop a fifth")
    options = parser.parse_args()
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*worker processes in total")  # one core is meant
    images, labels, source = load_images()
    x, y = (images.float() / 255 - 0.5).div(0.5)[:, None], labels
    slow_steps = max(options.steps // 5, 1)

    with tempfile.TemporaryDirectory() as folder:
        loops = {
            "a specification": (specification(images, labels, folder), slow_steps),
            "b bare loop": (bare(x, y), options.steps),
            "c torchclinic.train": (ours(x, y), options.steps),
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
        for run, _ in loops.values():
            run(50)  # warm up
        for _ in range(options.rounds):
            for name, (run, steps) in loops.items():
                found[name].append(milliseconds(run, steps))

    print(f"{source}; core {core}; {options.rounds} rounds of {options.steps} steps in turns")
    for name, values in found.items():
        wall, busy = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:22s} {wall:7.3f} ms/step, of this process {busy:7.3f} (medians)")
    a, b, c = found.values()
    print(f"c / b in processor time = {_ratio(c, b, 1):.3f} (what a busy machine cannot blur)")
    return _judge(_ratio(a, c), _ratio(c, b))


def _ratio(
    above: list[tuple[float, float]], below: list[tuple[float, float]], column: int = 0
) -> float:
    """Median over the rounds of one loop's time over another's, in the same round."""
    pairs = zip(above, below, strict=True)
    return statistics.median(one[column] / other[column] for one, other in pairs)


def _judge(speedup: float, overhead: float) -> int:
    fast, light = speedup >= LEAST_SPEEDUP, overhead <= MOST_OVERHEAD
    print(f"a / c = {speedup:6.2f}  {'PASS' if fast else 'FAIL'} (at least {LEAST_SPEEDUP:g})")
    print(f"c / b = {overhead:6.3f}  {'PASS' if light else 'FAIL'} (at most {MOST_OVERHEAD:g})")
    return 0 if fast and light else 1


if __name__ == "__main__":
    raise SystemExit(main())
