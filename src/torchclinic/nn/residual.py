"""A shortcut around any module that keeps the shape."""

from __future__ import annotations

from torch import Tensor, nn

from torchclinic.core import ModelError


class Residual(nn.Module):
    """Add the input to the output of a block.

    y = x + block(x)

    The gradient reaches the layers below through the shortcut, whatever the block does to it.

    **Shape**: (...) -> the same; the block must keep the shape.

    Args:
        block: The module to go around.

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", equation 1,
    arXiv 1603.05027.

    >>> import torch
    >>> Residual(nn.ReLU())(torch.tensor([-1.0, 2.0])).tolist()
    [-1.0, 4.0]
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """Add the block's output to x.

        Raises:
            ModelError: If the block changes the shape.
        """
        y = self.block(x)
        if isinstance(y, Tensor) and y.shape != x.shape:  # while torch.fx traces, y is a proxy
            raise ModelError(
                f"a residual block turns {tuple(x.shape)} into {tuple(y.shape)}",
                hint="only a block that keeps the shape can have a shortcut",
            )
        return x + y
