"""The way back from standardised targets to their own unit, as the last layer of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from torchclinic.core import ModelError
from torchclinic.nn.standardise import as_statistic


class Destandardise(nn.Module):
    """Multiply by the targets' standard deviation and add their mean.

    y = x * std + mean

    Put behind a regression model, it lets the layers before it work at the scale of 1 while the
    predictions keep the unit of the targets.

    **Shape**: any; `mean` and `std` broadcast against the last dimensions of x. Of a tuple or list
    only the first element, the prediction, is rescaled.
    **Units**: x in standard deviations, y in the unit of the targets.

    Args:
        mean: Mean of the training targets.
        std: Their standard deviation.

    Raises:
        DataError: If a statistic is not finite.
        ModelError: From `forward`, for a dict and for an empty tuple.

    >>> import torch
    >>> Destandardise(100.0, 20.0)(torch.tensor([0.5])).tolist()
    [110.0]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Any, std: Any) -> None:
        super().__init__()
        self.register_buffer("mean", as_statistic(mean, "mean"))
        self.register_buffer("std", as_statistic(std, "std"))

    def forward(self, x: Any) -> Any:
        """Rescale the prediction."""
        if isinstance(x, tuple | list) and x:
            return type(x)((self(x[0]), *x[1:]))
        if isinstance(x, tuple | list | Mapping):
            raise ModelError(f"there is no prediction in an output of type {type(x).__name__}")
        return x * self.std + self.mean  # a tensor, or the proxy of one while torch.fx traces

    def extra_repr(self) -> str:
        """Number of columns."""
        return f"columns={self.mean.numel()}"
