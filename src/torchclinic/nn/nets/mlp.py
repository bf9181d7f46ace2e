"""A multi-layer perceptron with every switch that the experiments turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.init import initialize
from torchclinic.nn.checks import at_least
from torchclinic.nn.nets.parts import (
    NORMS_OF_VECTORS,
    Between,
    Factory,
    LinearFactory,
    NormFactory,
    flat_rows,
    widths_of,
)

Part = Literal["norm", "activation", "dropout"]
ORDER: tuple[Part, ...] = ("norm", "activation", "dropout")


class MLP(nn.Module):
    r"""Hidden layers of linear map, norm, activation and dropout, and a linear output layer.

    $h_0 = x,\quad h_l = d(\varphi(n(W_l h_{l-1} + b_l))),\quad y = W h_L + b$

    `MLP(784, 3, 100, 10, activation="sigmoid")` is the well-known paralysed net of three sigmoid
    layers of 100 units. All layers stand in one nn.Sequential called `layers`.

    **Shape**: (N, ...) with `features` values a row -> (N, classes).

    Args:
        features: Values of a row.
        n_layers: Hidden layers; 0 for logistic regression.
        width: Units of each hidden layer, or one number a layer.
        classes: Outputs.
        activation: Torch's function name, a module class or factory, or None for a linear net.
        init: A scheme of `torchclinic.init.initialize` ("xavier", "he", "orthogonal"), a function
            that is given the net, or None for torch's own start.
        norm: "batch", "layer" or "rms", a factory that is given the width, or None.
        dropout: Probability of zeroing a hidden unit, or a factory of such a module.
        order: What follows a hidden layer's linear map, in this order.
        linear: What makes a hidden linear map from (inputs, outputs, bias=...), such as
            `DropConnectLinear`.
        bias: Whether hidden linear maps add a bias, which a norm right behind them takes out.

    Raises:
        UsageError: For numbers, names or an order that make no sense.

    >>> import torch
    >>> net = MLP(64, 2, (32, 16), 10, activation="tanh", norm="batch")
    >>> [type(layer).__name__ for layer in net.layers]
    ['Linear', 'BatchNorm1d', 'Tanh', 'Linear', 'BatchNorm1d', 'Tanh', 'Linear']
    >>> net(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(  # noqa: PLR0913 - these are the switches
        self,
        features: int = 784,
        n_layers: int = 3,
        width: int | Sequence[int] = 100,
        classes: int = 10,
        *,
        activation: str | Factory | None = "relu",
        init: str | Callable[[nn.Module], object] | None = None,
        norm: str | NormFactory | None = None,
        dropout: float | Factory = 0.0,
        order: Sequence[Part] = ORDER,
        linear: LinearFactory = nn.Linear,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.features = at_least(features, 1, "features")
        sizes = (self.features, *widths_of(n_layers, width))
        between = Between(activation, norm, NORMS_OF_VECTORS, dropout)
        _check_order(order)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [linear(inputs, outputs, bias=bias), *between.ordered(outputs, order)]
        last = nn.Linear(sizes[-1], at_least(classes, 1, "classes"))
        self.layers = nn.Sequential(*layers, last)
        start(self, init)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the classes."""
        return self.layers(flat_rows(x, self.features, "the MLP"))


def start(model: nn.Module, init: str | Callable[[nn.Module], object] | None) -> None:
    """Fill a net's parameters by a scheme's name or by a function; None leaves them.

    Raises:
        UsageError: If it is neither, or no scheme has that name.
    """
    if isinstance(init, str):
        initialize(model, init)
    elif callable(init):
        init(model)
    elif init is not None:
        raise UsageError(f"init is {init!r}", hint="the name of a scheme, a function, or None")


def _check_order(order: Sequence[Part]) -> None:
    if sorted(order) != sorted(ORDER):
        raise UsageError(f"order is {tuple(order)!r}", hint=f"the words {', '.join(ORDER)}")
