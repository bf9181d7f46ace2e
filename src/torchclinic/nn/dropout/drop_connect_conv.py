"""Convolutions that drop their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from torchclinic.nn.dropout.drop_connect import DropConnect


class _DropConnectConv(DropConnect):
    """Takes torch's own arguments by keyword, and those of DropConnect."""

    _conv_forward: Callable[[Tensor, Tensor, Tensor | None], Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        *,
        p: float = 0.5,
        inference: str = "mean",
        activation: Callable[..., Any] | None = None,
        samples: int | None = None,
        **convolution: Any,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, **convolution)
        self._set_up(p, inference, activation, samples)

    def _affine(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._conv_forward(x, weight, bias)


class DropConnectConv1d(_DropConnectConv, nn.Conv1d):
    r"""A 1d convolution of which each weight is 0 with probability p at each training step.

    $y = (M \circ W) * x / (1 - p) + b$; one mask serves all positions and rows.

    **Shape**: (N, C_in, L) or (C_in, L) -> as `nn.Conv1d`.

    Args:
        in_channels: As in torch.
        out_channels: As in torch.
        kernel_size: As in torch.
        p: Probability of dropping a weight.
        inference: "mean", or "gaussian" as in `DropConnectLinear`.
        activation: Applied to the output in both modes; needed for "gaussian".
        samples: None for quadrature, or a number of random draws.
        convolution: Further arguments of `nn.Conv1d`, such as stride, padding and groups.

    Raises:
        UsageError: As in `DropConnectLinear`.

    Source: Wan et al. 2013, "Regularization of Neural Networks using DropConnect", ICML 28.

    >>> import torch
    >>> layer = DropConnectConv1d(1, 1, 2, p=0.5, bias=False).eval()
    >>> _ = nn.init.ones_(layer.weight)
    >>> layer(torch.tensor([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 5.0]]]
    """


class DropConnectConv2d(_DropConnectConv, nn.Conv2d):
    """A 2d convolution of which each weight is 0 with probability p at each training step.

    As `DropConnectConv1d`, with the arguments of `nn.Conv2d`.

    **Shape**: (N, C_in, H, W) or (C_in, H, W) -> as `nn.Conv2d`.

    >>> import torch
    >>> DropConnectConv2d(3, 8, 3, p=0.2, padding=1)(torch.zeros(2, 3, 5, 5)).shape
    torch.Size([2, 8, 5, 5])
    """


class DropConnectConv3d(_DropConnectConv, nn.Conv3d):
    """A 3d convolution of which each weight is 0 with probability p at each training step.

    As `DropConnectConv1d`, with the arguments of `nn.Conv3d`.

    **Shape**: (N, C_in, D, H, W) or (C_in, D, H, W) -> as `nn.Conv3d`.

    >>> import torch
    >>> DropConnectConv3d(1, 2, 3, p=0.2)(torch.zeros(2, 1, 5, 5, 5)).shape
    torch.Size([2, 2, 3, 3, 3])
    """
