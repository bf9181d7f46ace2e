"""Ghost batch norm: statistics over small parts of a large batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.nn.checks import at_least

GHOST_SIZE = 32  # rows; Hoffer et al. take 128 for batches of 4096


class _GhostBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm that takes part after part of the batch while it trains."""

    def __init__(self, num_features: int, ghost_size: int = GHOST_SIZE, **options: Any) -> None:
        super().__init__(num_features, **options)
        self.ghost_size = at_least(ghost_size, 1, "ghost_size")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise each part by itself in training mode, by the running statistics otherwise."""
        rows = input.shape[0]
        if not self.training or rows <= self.ghost_size:
            return super().forward(input)
        ghosts = input.tensor_split((rows + self.ghost_size - 1) // self.ghost_size)
        return torch.cat([super(_GhostBatchNorm, self).forward(ghost) for ghost in ghosts])

    def extra_repr(self) -> str:
        """The norm's own description, and the size of a part."""
        return f"{super().extra_repr()}, ghost_size={self.ghost_size}"


class GhostBatchNorm1d(_GhostBatchNorm, nn.BatchNorm1d):
    r"""Batch norm whose statistics come from parts of `ghost_size` rows.

    $y = \gamma \frac{x - \mu_G}{\sqrt{\sigma_G^2 + \epsilon}} + \beta$ for each part G of the batch

    A large batch keeps the noise in the statistics that makes batch norm regularise. The running
    statistics take in one part after the other. A batch is cut into as few parts of at most
    `ghost_size` rows as it needs, as equal in size as can be, so that any batch size will do.

    **Shape**: (N, C) or (N, C, L) -> the same.

    Args:
        num_features: Number of channels C.
        ghost_size: Most rows in a part.
        options: Further arguments of `nn.BatchNorm1d`: eps, momentum, affine,
            track_running_stats, device, dtype.

    Raises:
        UsageError: For a ghost size below 1.

    Source: Hoffer, Hubara and Soudry 2017, "Train longer, generalize better", algorithm 1,
    arXiv 1705.08741.

    >>> x = torch.tensor([[0.0], [2.0], [10.0], [14.0]])
    >>> [round(v, 2) for v in GhostBatchNorm1d(1, ghost_size=2)(x).flatten().tolist()]
    [-1.0, 1.0, -1.0, 1.0]
    """


class GhostBatchNorm2d(_GhostBatchNorm, nn.BatchNorm2d):
    """Batch norm of images whose statistics come from parts of `ghost_size` rows.

    As `GhostBatchNorm1d`, with the arguments of `nn.BatchNorm2d`.

    **Shape**: (N, C, H, W) -> the same.

    >>> GhostBatchNorm2d(3, ghost_size=4)(torch.randn(10, 3, 2, 2)).shape
    torch.Size([10, 3, 2, 2])
    """


class GhostBatchNorm3d(_GhostBatchNorm, nn.BatchNorm3d):
    """Batch norm of volumes whose statistics come from parts of `ghost_size` rows.

    As `GhostBatchNorm1d`, with the arguments of `nn.BatchNorm3d`.

    **Shape**: (N, C, D, H, W) -> the same.

    >>> GhostBatchNorm3d(1, ghost_size=2)(torch.randn(4, 1, 2, 2, 2)).shape
    torch.Size([4, 1, 2, 2, 2])
    """
