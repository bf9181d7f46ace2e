"""mixup: each row becomes a weighted mean of itself and another one, targets included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.data.augment.targets import parts_of, put_together, real_tensors, shares
from torchclinic.data.isolation import draw_seed
from torchclinic.data.structure import map_tensors


@dataclass(frozen=True)
class Mixup:
    r"""mixup of the rows of a batch.

    $\tilde x = \lambda x_i + (1 - \lambda) x_j, \quad
    \tilde y = \lambda y_i + (1 - \lambda) y_j, \quad
    \lambda \sim \mathrm{Beta}(\alpha, \alpha)$

    with j a random permutation of i. Class numbers become shares of the classes, which
    `nn.CrossEntropyLoss` takes as they are; real targets are mixed as they are.

    **Shape**: inputs (N, ...) -> the same; targets (N,) of class numbers -> (N, classes).

    Args:
        alpha: Above 0: near 0 hardly anything is mixed, 1 draws lambda evenly.
        classes: How many there are; needed where the targets are class numbers, unless `augmented`
            can read it from data in memory.
        by_row: Whether each row draws a lambda of its own.

    Raises:
        UsageError: If a number makes no sense.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412; with
    one lambda a batch, as in its code.

    >>> x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1])
    >>> mixed, soft = Mixup(1.0, classes=2)((x, y), torch.Generator().manual_seed(1))
    >>> torch.equal(mixed[:, 0], soft[:, 1]), soft.sum(1).tolist()
    (True, [1.0, 1.0])
    """

    alpha: float = 0.2
    classes: int | None = None
    by_row: bool = False

    def __post_init__(self) -> None:
        check_alpha(self.alpha, self.classes)

    def __call__(self, batch: Any, generator: torch.Generator | None = None) -> Any:
        """The mixed batch, structured as the given one.

        Args:
            batch: (inputs, targets), or a dict of inputs with targets under one of their names.
            generator: Source of random numbers; None for torch's global one.

        Raises:
            DataError: If its inputs or targets cannot be mixed.
        """
        inputs, targets = parts_of(batch)
        real_tensors(inputs, "mixup")
        soft = shares(targets, self.classes)
        rows = len(soft)
        other = permutation(rows, generator)
        share = draw_shares(self.alpha, rows if self.by_row else 1, generator)

        def mixed(tensor: Tensor) -> Tensor:
            weight = share.to(tensor).reshape(-1, *[1] * (tensor.dim() - 1))
            return weight * tensor + (1 - weight) * tensor[other.to(tensor.device)]

        return put_together(batch, map_tensors(mixed, inputs), mixed(soft))


def mixup(
    batch: Any,
    alpha: float = 0.2,
    *,
    classes: int | None = None,
    generator: torch.Generator | None = None,
) -> Any:
    """One batch mixed by `Mixup`, for a loop of one's own.

    >>> x, y = torch.eye(2), torch.tensor([[2.0], [4.0]])
    >>> [part.shape for part in mixup((x, y), 1.0, generator=torch.Generator())]
    [torch.Size([2, 2]), torch.Size([2, 1])]
    """
    return Mixup(alpha, classes)(batch, generator)


def permutation(rows: int, generator: torch.Generator | None) -> Tensor:
    """A random order of the rows, drawn where the generator lives and kept on the CPU."""
    device = "cpu" if generator is None else generator.device
    return torch.randperm(rows, generator=generator, device=device).cpu()


def draw_shares(alpha: float, count: int, generator: torch.Generator | None) -> Tensor:
    """Draws from Beta(alpha, alpha), (count,), in float64."""
    seed = draw_seed(torch.default_generator if generator is None else generator)
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count))


def check_alpha(alpha: float, classes: int | None) -> None:
    """Insist on sensible options.

    Raises:
        UsageError: If they are not.
    """
    if not 0 < alpha < float("inf"):
        raise UsageError(
            f"alpha is {alpha!r}", hint="a number above 0; 0.2 for mixup, 1 for cutmix"
        )
    if classes is not None and (isinstance(classes, bool) or classes < 2):
        raise UsageError(f"classes is {classes!r}", hint="a whole number of at least 2, or None")
