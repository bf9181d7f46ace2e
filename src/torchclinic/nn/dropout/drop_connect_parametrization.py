"""DropConnect for layers that exist already."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import Tensor, nn
from torch.nn.utils import parametrize

from torchclinic.core import SurgeryError
from torchclinic.nn.checks import probability
from torchclinic.nn.dropout.drop_connect import DropConnect, drop_weights
from torchclinic.nn.dropout.dropout_like import DropoutLike

M = TypeVar("M", bound=nn.Module)

_LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Bilinear,
)


class DropConnectWeight(DropoutLike, nn.Module):
    """A parametrization that drops elements of a parameter in training mode.

    $W = V * m$ with m = 0 with probability p, else 1 / (1 - p)

    **Shape**: any -> the same.

    Args:
        p: Probability of dropping an element.

    Raises:
        UsageError: For p outside [0, 1].

    Source: Wan et al. 2013; for recurrent weights Merity et al. 2017, arXiv 1708.02182.

    >>> import torch
    >>> DropConnectWeight(0.5).eval()(torch.ones(2)).tolist()
    [1.0, 1.0]
    """

    rows_share_mask = True

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = probability(p)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with a fresh mask, or as it is in evaluation mode."""
        return drop_weights(weight, self.p) if self.training else weight

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is assigned to the parameter is kept as it is."""
        return weight

    def extra_repr(self) -> str:
        """The rate."""
        return f"p={self.p}"


def drop_connect(model: M, p: float = 0.5) -> M:
    """Let every linear and convolutional layer of a model drop its weights while it trains.

    The layers are parametrised in place; `torch.nn.utils.parametrize.remove_parametrizations`
    takes it away again. Layers that do it already are left alone.

    Args:
        model: The model, or a single layer.
        p: Probability of dropping a weight.

    Returns:
        The same model.

    Raises:
        UsageError: For p outside [0, 1].
        SurgeryError: Without such a layer; recurrent layers hold their weights where a
            parametrization does not reach them.

    >>> model = drop_connect(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), p=0.2)
    >>> model[0].parametrizations.weight[0]
    DropConnectWeight(p=0.2)
    """
    probability(p)
    layers = [
        m for m in model.modules() if isinstance(m, _LAYERS) and not isinstance(m, DropConnect)
    ]
    if not layers:
        raise SurgeryError(
            f"{type(model).__name__} has no layer whose weights could be dropped",
            hint="known: " + ", ".join(kind.__name__ for kind in _LAYERS),
        )
    for layer in layers:
        if not _drops(layer):
            step = DropConnectWeight(p).train(layer.training)
            parametrize.register_parametrization(layer, "weight", step)
    return model


def _drops(layer: nn.Module) -> bool:
    if not parametrize.is_parametrized(layer, "weight"):
        return False
    chain: Any = layer.parametrizations
    return any(isinstance(step, DropConnectWeight) for step in chain["weight"])
