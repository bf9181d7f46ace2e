"""DropBlock: contiguous blocks of a feature map are dropped."""

from __future__ import annotations

from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.nn.checks import at_least, probability
from torchclinic.nn.dropout.block_masks import block_mask
from torchclinic.nn.dropout.dropout_like import DropoutLike


class _DropBlock(DropoutLike, nn.Module):
    """DropBlock over the last `_dims` dimensions."""

    _dims: int

    def __init__(self, p: float = 0.1, block_size: int = 7) -> None:
        super().__init__()
        self.p = probability(p)
        self.block_size = at_least(block_size, 1, "block_size")

    def forward(self, x: Tensor) -> Tensor:
        """Drop blocks of x in training mode and scale what is left; x itself in evaluation."""
        if not self.training or self.p == 0.0:
            return x
        if x.dim() < self._dims + 1:
            raise UsageError(
                f"{type(self).__name__} got a tensor of shape {tuple(x.shape)}",
                hint=f"it needs channels and {self._dims} more dimensions",
            )
        block = [min(self.block_size, side) for side in x.shape[x.dim() - self._dims :]]
        kept = block_mask(x, self.p, block) == 0
        scale = x.numel() / kept.sum().clamp(min=1)
        return x * (kept.to(x.dtype) * scale.to(x.dtype))

    def extra_repr(self) -> str:
        """Rate and size."""
        return f"p={self.p}, block_size={self.block_size}"


class DropBlock1d(_DropBlock):
    r"""Drop runs of neighbouring positions, in each channel of each row other ones.

    $y = x \circ M \cdot |M| / \sum M$, where M is 0 in blocks that begin with probability
    $\gamma$ at each place where one fits (`block_rate`)

    Neighbours in a feature map know the same; dropping them together takes it away, which dropping
    single elements does not. Sides of the map that are shorter than the block get a block of their
    own length. Because blocks overlap, somewhat less than p is dropped (`expected_drop`).

    **Shape**: (N, C, L) or (C, L) -> the same.

    Args:
        p: Share to be dropped; with 1 everything is.
        block_size: Length of a block; 1 is dropout of single elements.

    Raises:
        UsageError: For p outside [0, 1], a block size below 1, or too few dimensions.

    Source: Ghiasi, Lin and Le 2018, "DropBlock: A regularization method for convolutional
    networks", arXiv 1810.12890.

    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> DropBlock1d(0.5, 2)(torch.ones(1, 1, 6)).tolist()
    [[[2.0, 2.0, 0.0, 0.0, 0.0, 2.0]]]
    """

    _dims = 1


class DropBlock2d(_DropBlock):
    """Drop square blocks of a map, in each channel of each row other ones.

    As `DropBlock1d`, with the block's sides both `block_size`.

    **Shape**: (N, C, H, W) or (C, H, W) -> the same.

    >>> import torch
    >>> DropBlock2d(0.1, 3).eval()(torch.ones(1, 1, 2, 2)).tolist()
    [[[[1.0, 1.0], [1.0, 1.0]]]]
    """

    _dims = 2


class DropBlock3d(_DropBlock):
    """Drop cubes of a volume, in each channel of each row other ones.

    As `DropBlock1d`, with the block's sides all `block_size`.

    **Shape**: (N, C, D, H, W) or (C, D, H, W) -> the same.

    >>> import torch
    >>> DropBlock3d(1.0, 2)(torch.ones(1, 1, 2, 2, 2)).sum().item()
    0.0
    """

    _dims = 3
