"""Point clouds in the plane: moons, circles, blobs, spirals."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from torchclinic.core import DataError, Splits

Cloud = Callable[[int, Generator], tuple[Tensor, Tensor]]


def moons(rows: int = 1000, *, noise: float = 0.15, seed: int = 0) -> Splits:
    """Two interleaved half circles, 2 classes, centred, each of radius 1.

    Args:
        rows: Points in the training set; the test set has half as many.
        noise: Standard deviation added to both coordinates.
        seed: Decides the points.

    >>> x, y = moons().train
    >>> x.shape, y.bincount().tolist()
    (torch.Size([1000, 2]), [500, 500])
    """

    def cloud(count: int, generator: Generator) -> tuple[Tensor, Tensor]:
        label = torch.arange(count) % 2
        angle = math.pi * torch.rand(count, generator=generator)
        upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
        points = torch.where(label[:, None] == 0, upper, -upper)
        return points + noise * torch.randn(count, 2, generator=generator), label

    return _splits("moons", cloud, rows, seed, classes=2)


def circles(rows: int = 1000, *, noise: float = 0.08, inner: float = 0.5, seed: int = 0) -> Splits:
    """A circle of radius `inner` in a circle of radius 1, 2 classes.

    >>> x, y = circles(noise=0.0).train
    >>> round(x[y == 1].norm(dim=1).max().item(), 4)
    0.5
    """

    def cloud(count: int, generator: Generator) -> tuple[Tensor, Tensor]:
        label = torch.arange(count) % 2
        angle = 2 * math.pi * torch.rand(count, generator=generator)
        radius = torch.where(label == 0, 1.0, inner)
        points = radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        return points + noise * torch.randn(count, 2, generator=generator), label

    return _splits("circles", cloud, rows, seed, classes=2)


def blobs(
    rows: int = 1000,
    *,
    classes: int = 3,
    features: int = 2,
    spread: float = 0.5,
    seed: int = 0,
) -> Splits:
    """Gaussian clouds around centres drawn from N(0, 2^2), `classes` classes.

    >>> x, y = blobs(classes=4, features=5).train
    >>> x.shape, y.max().item()
    (torch.Size([1000, 5]), 3)
    """
    centres = 2 * torch.randn(classes, features, generator=torch.Generator().manual_seed(seed + 1))

    def cloud(count: int, generator: Generator) -> tuple[Tensor, Tensor]:
        label = torch.arange(count) % classes
        points = centres[label] + spread * torch.randn(count, features, generator=generator)
        return points, label

    return _splits("blobs", cloud, rows, seed, classes=classes)


def spirals(
    rows: int = 1000,
    *,
    classes: int = 2,
    noise: float = 0.03,
    turns: float = 1.25,
    seed: int = 0,
) -> Splits:
    """Spiral arms from the origin to radius 1, one a class.

    Args:
        rows: Points in the training set; the test set has half as many.
        classes: Arms, evenly turned against one another.
        noise: Standard deviation added to both coordinates.
        turns: Times that an arm goes round.
        seed: Decides the points.

    >>> x, y = spirals(classes=3, noise=0.0).train
    >>> x.norm(dim=1).max().item() <= 1.0001, y.bincount().tolist()
    (True, [334, 333, 333])
    """

    def cloud(count: int, generator: Generator) -> tuple[Tensor, Tensor]:
        label = torch.arange(count) % classes
        radius = torch.rand(count, generator=generator).sqrt()
        angle = 2 * math.pi * (turns * radius + label / classes)
        points = radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        return points + noise * torch.randn(count, 2, generator=generator), label

    return _splits("spirals", cloud, rows, seed, classes=classes)


def _splits(name: str, cloud: Cloud, rows: int, seed: int, *, classes: int) -> Splits:
    if rows < 2 * classes:
        raise DataError(f"rows is {rows} for {classes} classes", hint="at least two a class")
    generator = torch.Generator().manual_seed(seed)
    train, test = cloud(rows, generator), cloud(rows // 2, generator)
    return Splits(train=train, test=test, name=name, meta={"classes": tuple(range(classes))})
