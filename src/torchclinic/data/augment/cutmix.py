"""CutMix: a box of each image is taken from another one, and the target's share with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchclinic.core import DataError
from torchclinic.data.augment.mixup import check_alpha, draw_shares, permutation
from torchclinic.data.augment.targets import parts_of, put_together, real_tensors, shares
from torchclinic.data.structure import map_tensors

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class CutMix:
    r"""CutMix of the images of a batch.

    $\tilde x = M \circ x_i + (1 - M) \circ x_j, \quad
    \tilde y = \lambda y_i + (1 - \lambda) y_j$

    M is 0 in a box whose sides are $\sqrt{1 - \lambda}$ of the image's, $\lambda \sim
    \mathrm{Beta}(\alpha, \alpha)$, around an evenly drawn centre; j is a random permutation of i.
    The box is cut at the image's edge, and the $\lambda$ of the targets is the share of the image
    that is left. One box serves the whole batch.

    **Shape**: inputs (N, ..., height, width) -> the same; targets (N,) of class numbers ->
    (N, classes).

    Args:
        alpha: Above 0; 1 draws lambda evenly.
        classes: How many there are; needed where the targets are class numbers, unless `augmented`
            can read it from data in memory.

    Raises:
        UsageError: If a number makes no sense.

    Source: Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers",
    arXiv 1905.04899, algorithm A1.

    >>> x, y = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 1, 8, 8), torch.tensor([0, 1])
    >>> cut, soft = CutMix(classes=2)((x, y), torch.Generator().manual_seed(3))
    >>> torch.equal(cut.mean((1, 2, 3)), soft[:, 1])
    True
    """

    alpha: float = 1.0
    classes: int | None = None

    def __post_init__(self) -> None:
        check_alpha(self.alpha, self.classes)

    def __call__(self, batch: Any, generator: torch.Generator | None = None) -> Any:
        """The batch with boxes exchanged, structured as the given one.

        Args:
            batch: (inputs, targets), or a dict of inputs with targets under one of their names.
            generator: Source of random numbers; None for torch's global one.

        Raises:
            DataError: If its inputs are no images of one size, or its targets cannot be mixed.
        """
        inputs, targets = parts_of(batch)
        height, width = _size(real_tensors(inputs, "CutMix"))
        soft = shares(targets, self.classes)
        other = permutation(len(soft), generator)
        share = float(draw_shares(self.alpha, 1, generator))
        top, bottom, left, right = _box(height, width, share, generator)
        kept = 1 - (bottom - top) * (right - left) / (height * width)

        def pasted(tensor: Tensor) -> Tensor:
            done = tensor.clone()
            source = tensor[other.to(tensor.device)]
            done[..., top:bottom, left:right] = source[..., top:bottom, left:right]
            return done

        targets = kept * soft + (1 - kept) * soft[other.to(soft.device)]
        return put_together(batch, map_tensors(pasted, inputs), targets)


def cutmix(
    batch: Any,
    alpha: float = 1.0,
    *,
    classes: int | None = None,
    generator: torch.Generator | None = None,
) -> Any:
    """One batch mixed by `CutMix`, for a loop of one's own.

    >>> batch = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 1])
    >>> cutmix(batch, classes=3, generator=torch.Generator())[1].sum(1).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    return CutMix(alpha, classes)(batch, generator)


def _size(images: list[Tensor]) -> tuple[int, int]:
    sizes = {(image.shape[-2], image.shape[-1]) for image in images if image.dim() > 2}
    if len(sizes) != 1 or any(image.dim() < 3 for image in images):
        shapes = ", ".join(str(tuple(image.shape)) for image in images)
        raise DataError(
            f"CutMix cuts images, and these are {shapes}",
            hint="rows of shape (channels, height, width), all of one size",
        )
    return sizes.pop()


def _box(height: int, width: int, share: float, generator: torch.Generator | None) -> Box:
    """Top, bottom, left and right of the box, cut at the image's edge."""
    side = math.sqrt(1 - share)
    device = "cpu" if generator is None else generator.device
    centre = torch.rand(2, generator=generator, device=device).tolist()
    row, column = int(centre[0] * height), int(centre[1] * width)
    high, wide = int(side * height) // 2, int(side * width) // 2
    rows = max(row - high, 0), min(row + high, height)
    columns = max(column - wide, 0), min(column + wide, width)
    return *rows, *columns
