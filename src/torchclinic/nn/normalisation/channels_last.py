"""Lets a norm that expects the channels second work on tensors that have them last."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelsLast(nn.Module):
    """Move the last dimension to the place after the rows, normalise, and move it back.

    Batch, group and instance norm take channels second, (N, C, ...), layer and RMS norm last,
    (N, ..., C). Around one of the former this makes one for sequences (N, T, C); with
    `inwards=False` around one of the latter it makes one for images.

    **Shape**: (N, ..., C) -> the same; (N, C, ...) with `inwards=False`.

    Args:
        norm: The norm.
        inwards: Whether the input has its channels last and the norm wants them second; False for
            the other way round.

    >>> import torch
    >>> ChannelsLast(nn.InstanceNorm1d(3))(torch.randn(2, 5, 3)).shape
    torch.Size([2, 5, 3])
    """

    def __init__(self, norm: nn.Module, *, inwards: bool = True) -> None:
        super().__init__()
        self.norm = norm
        self.inwards = inwards

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x along its channels."""
        if self.inwards:
            return self.norm(x.movedim(-1, 1)).movedim(1, -1)
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)

    def extra_repr(self) -> str:
        """The direction."""
        return f"inwards={self.inwards}"
