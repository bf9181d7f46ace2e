"""Weight standardisation: each unit's weights have mean 0 and variance 1 over its inputs."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from torchclinic.core import SurgeryError, UsageError

M = TypeVar("M", bound=nn.Module)

EPS = 1e-5
_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def standardised_weight(weight: Tensor, eps: float = EPS) -> Tensor:
    r"""The weight with mean 0 and variance 1 over the inputs of each unit.

    $\hat{W}_i = (W_i - \mu_i) / \sqrt{\sigma_i^2 + \epsilon}$ over the fan-in of unit i

    **Shape**: (out, in, ...) -> the same.

    Args:
        weight: Units first.
        eps: Added to the variance.

    Raises:
        UsageError: If a unit has a single weight, which has no variance.

    Source: Qiao et al. 2019, "Weight Standardization", equations 4 to 6, arXiv 1903.10520.

    >>> standardised_weight(torch.tensor([[1.0, 3.0]]), eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    if weight.dim() < 2 or weight[0].numel() < 2:
        raise UsageError(
            f"a weight of shape {tuple(weight.shape)} has fewer than 2 inputs to a unit",
            hint="standardise layers with more inputs only",
        )
    over = list(range(1, weight.dim()))
    variance, mean = torch.var_mean(weight, over, correction=0, keepdim=True)
    return (weight - mean) * (variance + eps).rsqrt()


class WeightStandardisation(nn.Module):
    """A parametrization that standardises a weight; see `standardised_weight`.

    **Shape**: (out, in, ...) -> the same.

    Args:
        eps: Added to the variance.

    Source: Qiao et al. 2019, arXiv 1903.10520.

    >>> layer = nn.Conv2d(3, 4, 3)
    >>> _ = parametrize.register_parametrization(layer, "weight", WeightStandardisation())
    >>> abs(layer.weight.mean().item()) < 1e-6
    True
    """

    def __init__(self, eps: float = EPS) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, weight: Tensor) -> Tensor:
        """The standardised weight."""
        return standardised_weight(weight, self.eps)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is assigned to the weight is kept, and standardised when it is used."""
        return weight

    def extra_repr(self) -> str:
        """The epsilon."""
        return f"eps={self.eps}"


def weight_standardise(model: M, eps: float = EPS) -> M:
    """Standardise the weights of all convolutions of a model, in place.

    Made for nets with group norm behind the convolutions, which it brings up to batch norm. Layers
    with a single weight a unit and those that are standardised already are left alone.

    Args:
        model: The model, or a single convolution.
        eps: Added to the variance.

    Returns:
        The same model.

    Raises:
        SurgeryError: Without a convolution.

    Source: Qiao et al. 2019, arXiv 1903.10520.

    >>> model = weight_standardise(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)))
    >>> round(model[0].weight.var(correction=0).item(), 2)
    1.0
    """
    layers = [m for m in model.modules() if isinstance(m, _LAYERS) and m.weight[0].numel() > 1]
    if not layers:
        raise SurgeryError(
            f"{type(model).__name__} has no convolution",
            hint="known: " + ", ".join(kind.__name__ for kind in _LAYERS),
        )
    for layer in layers:
        if not _is_standardised(layer):
            parametrize.register_parametrization(layer, "weight", WeightStandardisation(eps))
    return model


def _is_standardised(layer: nn.Module) -> bool:
    return parametrize.is_parametrized(layer, "weight") and any(
        isinstance(module, WeightStandardisation) for module in layer.modules()
    )


class _WeightStandardisedConv(nn.modules.conv._ConvNd):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """The convolution with the standardised weight."""
        weight = standardised_weight(self.weight)
        return self._conv_forward(input, weight, self.bias)  # type: ignore[attr-defined]


class WeightStandardisedConv1d(_WeightStandardisedConv, nn.Conv1d):
    """`nn.Conv1d` with a standardised weight; its state dict is that of `nn.Conv1d`.

    **Shape**: as `nn.Conv1d`.

    >>> WeightStandardisedConv1d(2, 4, 3)(torch.zeros(1, 2, 5)).shape
    torch.Size([1, 4, 3])
    """


class WeightStandardisedConv2d(_WeightStandardisedConv, nn.Conv2d):
    """`nn.Conv2d` with a standardised weight; its state dict is that of `nn.Conv2d`.

    **Shape**: as `nn.Conv2d`.

    Source: Qiao et al. 2019, arXiv 1903.10520.

    >>> layer = WeightStandardisedConv2d(1, 1, 2, bias=False)
    >>> _ = nn.init.constant_(layer.weight, 3.0)
    >>> layer(torch.ones(1, 1, 2, 2)).item()
    0.0
    """


class WeightStandardisedConv3d(_WeightStandardisedConv, nn.Conv3d):
    """`nn.Conv3d` with a standardised weight; its state dict is that of `nn.Conv3d`.

    **Shape**: as `nn.Conv3d`.

    >>> WeightStandardisedConv3d(1, 2, 2)(torch.zeros(1, 1, 3, 3, 3)).shape
    torch.Size([1, 2, 2, 2, 2])
    """
