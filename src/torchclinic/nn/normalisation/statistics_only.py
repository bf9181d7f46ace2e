"""Batch norm that only subtracts the mean and divides by the deviation."""

from __future__ import annotations

from typing import Any

from torch import nn


class StatisticsOnlyBatchNorm1d(nn.BatchNorm1d):
    r"""`nn.BatchNorm1d(affine=False)`: batch norm without gamma and beta.

    $y = \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}}$

    What comes out has mean 0 and variance 1 whatever the net would need: in front of a sigmoid
    that is where it is nearly linear, and layers of it add little to a single one. It is here to be
    compared with; gamma and beta are what repairs it.

    **Shape**: (N, C) or (N, C, L) -> the same.

    Args:
        num_features: Number of channels C.
        options: eps, momentum, track_running_stats, device, dtype as in torch.

    Source: Ioffe and Szegedy 2015, section 3, arXiv 1502.03167.

    >>> import torch
    >>> layer = StatisticsOnlyBatchNorm1d(1)
    >>> len(list(layer.parameters())), layer(torch.tensor([[0.0], [8.0]])).flatten().round()
    (0, tensor([-1.,  1.]))
    """

    def __init__(self, num_features: int, **options: Any) -> None:
        super().__init__(num_features, affine=False, **options)


class StatisticsOnlyBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d(affine=False)`, as `StatisticsOnlyBatchNorm1d`.

    **Shape**: (N, C, H, W) -> the same.

    >>> StatisticsOnlyBatchNorm2d(3).affine
    False
    """

    def __init__(self, num_features: int, **options: Any) -> None:
        super().__init__(num_features, affine=False, **options)


class StatisticsOnlyBatchNorm3d(nn.BatchNorm3d):
    """`nn.BatchNorm3d(affine=False)`, as `StatisticsOnlyBatchNorm1d`.

    **Shape**: (N, C, D, H, W) -> the same.

    >>> StatisticsOnlyBatchNorm3d(3).affine
    False
    """

    def __init__(self, num_features: int, **options: Any) -> None:
        super().__init__(num_features, affine=False, **options)
