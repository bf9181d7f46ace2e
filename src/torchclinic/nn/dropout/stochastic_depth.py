"""Stochastic depth: whole residual branches are left out at random."""

from __future__ import annotations

from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.nn.checks import one_of, probability
from torchclinic.nn.dropout.dropout_like import DropoutLike
from torchclinic.nn.dropout.random_masks import inverted_mask

MODES = ("row", "batch")


class StochasticDepth(DropoutLike, nn.Module):
    r"""Drop the output of a residual branch, for each row alone or for the batch as a whole.

    $y = x + m f(x)$ with m = 0 with probability p, else 1 / (1 - p)

    Put it last into the branch: `Residual(nn.Sequential(block, StochasticDepth(0.2)))`. The paper
    draws once a batch and scales in evaluation instead; the scale in training has the same
    expectation and leaves evaluation free.

    **Shape**: (N, ...) -> the same; in mode "batch" any shape.

    Args:
        p: Probability of dropping; with 1 the branch is never heard in training.
        mode: "row" or "batch".

    Raises:
        UsageError: For p outside [0, 1], another mode, or, in mode "row", a tensor without rows.

    Source: Huang et al. 2016, "Deep Networks with Stochastic Depth", equation 2, arXiv 1603.09382.

    >>> import torch
    >>> _ = torch.manual_seed(2)
    >>> StochasticDepth(0.5)(torch.ones(4, 2)).tolist()
    [[2.0, 2.0], [0.0, 0.0], [0.0, 0.0], [2.0, 2.0]]
    """

    def __init__(self, p: float = 0.5, mode: str = "row") -> None:
        super().__init__()
        self.p = probability(p)
        self.mode = one_of(mode, MODES, "mode")
        self.rows_share_mask = mode == "batch"

    def forward(self, x: Tensor) -> Tensor:
        """The branch's output with some rows at 0, or as it is in evaluation mode."""
        if not self.training or self.p == 0.0:
            return x
        if x.dim() == 0 and self.mode == "row":
            raise UsageError("StochasticDepth got a number", hint="it needs rows, or mode='batch'")
        rows = x.shape[0] if self.mode == "row" else 1
        return x * inverted_mask(x.new_empty([rows, *[1] * (x.dim() - 1)][: x.dim()]), self.p)

    def extra_repr(self) -> str:
        """Rate and mode."""
        return f"p={self.p}, mode={self.mode}"
