"""Input standardisation as the first layer of a model, so that it is saved with it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import DataError

CLIP = 10.0  # standard deviations; a rarely lit pixel would otherwise reach hundreds of them
CONSTANT = 1e-6  # of a channel's magnitude: below that its spread is rounding noise


class Standardise(nn.Module):
    """Subtract the training mean and divide by the training standard deviation, by channel.

    y = clip((x - mean) / std, -clip, clip)

    The statistics are buffers: they move and are saved with the model and are never trained. A
    channel that is constant over the training data is only centred.

    **Shape**: `mean` and `std` broadcast against x without its first dimension; y is like x.
    **Units**: y is in standard deviations.

    Args:
        mean: Mean of each channel.
        std: Standard deviation of each channel, 1 where a channel is constant.
        clip: Largest absolute value of y; None for no limit.

    Raises:
        DataError: If a statistic is not finite or a standard deviation is not above 0.

    Source: LeCun et al. 1998, "Efficient BackProp", section 4.3, doi 10.1007/3-540-49430-8_2.

    >>> layer = Standardise.fit(torch.tensor([[1.0, 5.0], [3.0, 5.0]]), channel_dim=1)
    >>> layer(torch.tensor([[3.0, 6.0]])).tolist()
    [[1.0, 1.0]]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Any, std: Any, clip: float | None = CLIP) -> None:
        super().__init__()
        self.register_buffer("mean", as_statistic(mean, "mean"))
        self.register_buffer("std", as_statistic(std, "std"))
        if not bool((self.std > 0).all()):
            raise DataError(
                f"std is {float(self.std.min())} for a channel", hint="use 1 for a constant channel"
            )
        self.clip = clip

    @classmethod
    def fit(
        cls,
        inputs: Tensor,
        channel_dim: int | None = -1,
        clip: float | None = CLIP,
    ) -> Standardise:
        """Measure the statistics of training inputs; elements that are not finite are left out.

        Args:
            inputs: Training inputs, rows first.
            channel_dim: The dimension whose members get statistics of their own (1 for images,
                -1 for tables and sequences); None for one mean and one deviation in all.
            clip: As above.

        Raises:
            DataError: Without a finite element.

        >>> Standardise.fit(torch.arange(4.0).reshape(2, 2), channel_dim=None).mean
        tensor(1.5000)
        """
        mean, std = channel_statistics(inputs, channel_dim)
        return cls(mean, std, clip)

    def forward(self, x: Tensor) -> Tensor:
        """Standardise x; integers become floats."""
        y = (x - self.mean) / self.std
        return y if self.clip is None else y.clamp(-self.clip, self.clip)

    def extra_repr(self) -> str:
        """Channels and limit."""
        return f"channels={self.mean.numel()}, clip={self.clip}"


def channel_statistics(values: Tensor, channel_dim: int | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation by channel over the finite elements; std 1 where constant.

    The standard deviation is that of the population (divisor n).

    Shape: (N, ...) -> both like one row with every dimension but `channel_dim` of size 1; () for
    one-dimensional values and without a channel dimension.

    Raises:
        DataError: Without a finite element, or for a dimension that the values do not have.

    >>> channel_statistics(torch.tensor([[0.0, 7.0], [2.0, 7.0]]), 1)
    (tensor([1., 7.]), tensor([1., 1.]))
    """
    values = values.detach().to(torch.float64)
    if not bool(values.isfinite().any()):
        raise DataError(f"no finite element among {values.numel()} values")
    over = _reduced(values, channel_dim)
    finite = values.isfinite()
    count = finite.sum(over, keepdim=True).clamp(min=1)
    mean = torch.where(finite, values, 0.0).sum(over, keepdim=True) / count
    square = torch.where(finite, values - mean, 0.0).square().sum(over, keepdim=True)
    std = (square / count).sqrt()
    constant = std <= CONSTANT * mean.abs().clamp(min=CONSTANT)
    std = torch.where(constant, 1.0, std)
    shape = mean.shape[1:] if len(over) < values.dim() else ()
    return mean.reshape(shape).to(torch.float32), std.reshape(shape).to(torch.float32)


def _reduced(values: Tensor, channel_dim: int | None) -> list[int]:
    dims = list(range(values.dim()))
    if channel_dim is None or dims == [0]:
        return dims
    if not -len(dims) <= channel_dim < len(dims) or channel_dim % len(dims) == 0:
        raise DataError(
            f"values of shape {tuple(values.shape)} have no channels in dimension {channel_dim}",
            hint="1 for images, -1 for tables and sequences; dimension 0 counts the rows",
        )
    dims.remove(channel_dim % len(dims))
    return dims


def as_statistic(value: Any, name: str) -> Tensor:
    """A finite float32 tensor that shares no memory with `value`.

    Raises:
        DataError: If an element is not finite.
    """
    tensor = torch.as_tensor(value, dtype=torch.float32).detach().clone()
    if not bool(tensor.isfinite().all()):
        raise DataError(f"{name} is not finite: {tensor.flatten()[:5].tolist()}")
    return tensor
