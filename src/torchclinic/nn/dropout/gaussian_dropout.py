"""Gaussian dropout: multiplicative noise instead of zeros."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from torchclinic.nn.checks import probability
from torchclinic.nn.dropout.dropout_like import DropoutLike


class GaussianDropout(DropoutLike, nn.Module):
    r"""Multiply each element by Gaussian noise of mean 1 and the variance of dropout's mask.

    $y = x (1 + \sqrt{p / (1 - p)} \, \epsilon)$, $\epsilon \sim N(0, 1)$

    Mean and variance of y are those of dropout with rate p, but no unit is ever silent.

    **Shape**: any -> the same.

    Args:
        p: Rate of the dropout that it stands for, below 1.

    Raises:
        UsageError: For p outside [0, 1), whose variance is not finite.

    Source: Srivastava et al. 2014, "Dropout", section 10, JMLR 15.

    >>> _ = torch.manual_seed(0)
    >>> round(GaussianDropout(0.2)(torch.ones(100_000)).std().item(), 2)
    0.5
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = probability(p, below_one=True)

    def forward(self, x: Tensor) -> Tensor:
        """Put noise on x in training mode; x itself in evaluation."""
        if not self.training or self.p == 0.0:
            return x
        return torch.addcmul(x, x, torch.randn_like(x), value=(self.p / (1.0 - self.p)) ** 0.5)

    def extra_repr(self) -> str:
        """The rate."""
        return f"p={self.p}"
