"""Locked dropout: the same units are dropped at every time step."""

from __future__ import annotations

from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.nn.checks import probability
from torchclinic.nn.dropout.dropout_like import DropoutLike
from torchclinic.nn.dropout.random_masks import inverted_mask


class LockedDropout(DropoutLike, nn.Module):
    r"""Dropout with one mask along the time steps of a sequence ("variational" dropout).

    $y_t = m \circ x_t$ with the same $m \in \{0, 1/(1-p)\}$ for all t

    A mask that changed from step to step would be noise that a recurrent net's state adds up.

    **Shape**: (N, T, F) -> the same; (T, N, F) with `time_dim=0`; other shapes by `time_dim`.

    Args:
        p: Probability of dropping a unit.
        time_dim: Dimension along which the mask stays the same.

    Raises:
        UsageError: For p outside [0, 1], or a tensor that lacks the dimension.

    Source: Gal and Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent
    Neural Networks", arXiv 1512.05287; the name from Merity et al. 2017, arXiv 1708.02182.

    >>> import torch
    >>> y = LockedDropout(0.5)(torch.ones(3, 7, 4))
    >>> bool((y == y[:, :1]).all())
    True
    """

    def __init__(self, p: float = 0.5, time_dim: int = 1) -> None:
        super().__init__()
        self.p = probability(p)
        self.time_dim = time_dim

    def forward(self, x: Tensor) -> Tensor:
        """Drop units of x in training mode; x itself in evaluation."""
        if not self.training or self.p == 0.0:
            return x
        if not -x.dim() <= self.time_dim < x.dim():
            raise UsageError(
                f"time_dim is {self.time_dim} for a tensor of shape {tuple(x.shape)}",
                hint=f"it has dimensions from {-x.dim()} to {x.dim() - 1}",
            )
        shape = list(x.shape)
        shape[self.time_dim] = 1
        return x * inverted_mask(x.new_empty(shape), self.p)

    def extra_repr(self) -> str:
        """Rate and dimension."""
        return f"p={self.p}, time_dim={self.time_dim}"
