"""A line with noise, few points: the smallest data set that a net can overfit."""

from __future__ import annotations

import torch

from torchclinic.core import Splits


def noisy_line(rows: int = 50, noise: float = 0.3, *, seed: int = 0) -> Splits:
    """Points on a line with noise: y = x + noise * n, n from N(0, 1), x evenly spaced in [-1, 1].

    The test set has the same x and fresh noise, so that the best possible test error is noise^2.

    Args:
        rows: Points in each set.
        noise: Standard deviation of the noise.
        seed: Decides the noise.

    Returns:
        Splits with train and test as (inputs, targets), both of shape (rows, 1).

    >>> x, y = noisy_line().train
    >>> x.shape, round(((y - x) ** 2).mean().item(), 3)
    (torch.Size([50, 1]), 0.104)
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-1, 1, rows).unsqueeze(1)
    train = x + noise * torch.randn(rows, 1, generator=generator)
    test = x + noise * torch.randn(rows, 1, generator=generator)
    return Splits(
        train=(x, train), test=(x.clone(), test), name="noisy line", meta={"noise": noise}
    )
