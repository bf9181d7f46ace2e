"""The small convolutional net in which dropout, DropConnect and norms are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.nn.checks import at_least, probability
from torchclinic.nn.nets.mlp import start
from torchclinic.nn.nets.parts import (
    NORMS_OF_VECTORS,
    Between,
    Factory,
    LinearFactory,
    NormFactory,
    flat_rows,
)

POOLED = 4  # times that both sides of the image shrink: two max-pools of 2


class TestNetwork(nn.Module):
    r"""Two convolutions, then a head of linear layers, then log-probabilities.

    conv 3x3 to 2 channels, max-pool, ReLU, conv 3x3 to 4 channels, max-pool, ReLU, flatten
    (196 values of an image of 28 x 28), 196-128-128-10 with ReLU between, log-softmax. Switches
    change the head only: after each of its hidden linear maps a norm, then dropout, then ReLU; with
    `drop_connect` all of its linear maps are DropConnect ones. The loss is `nn.NLLLoss`.

    **Shape**: (N, ...) with channels * size * size values a row -> (N, classes).
    **Units**: natural logarithms of probabilities.

    Args:
        final_part: A head of one's own instead of the one the switches make; it is given
            4 * (size // 4)^2 values a row.
        hidden: Units of the head's hidden layers.
        dropout: Probability of zeroing a hidden unit, or a factory of such a module.
        drop_connect: Probability of zeroing a weight of the head.
        norm: "batch", "layer" or "rms", or a factory that is given the width; None for none.
        size: Pixels of each side of the image, at least 4.
        channels: Of the image.
        classes: Outputs.
        log_softmax: Without it the outputs are scores, for `nn.CrossEntropyLoss`.
        init: A scheme of `torchclinic.init.initialize`, a function, or None for torch's own start.

    Raises:
        UsageError: For numbers or names that make no sense, or a head beside switches for one.

    >>> import torch
    >>> net = TestNetwork(dropout=0.3)
    >>> [type(layer).__name__ for layer in net.final_part]
    ['Linear', 'Dropout', 'ReLU', 'Linear', 'Dropout', 'ReLU', 'Linear']
    >>> round(float(net(torch.zeros(2, 1, 28, 28)).exp().sum().detach()), 4)
    2.0
    """

    __test__ = False  # the name is the net's, and pytest takes it for a test

    def __init__(  # noqa: PLR0913 - these are the switches
        self,
        final_part: nn.Module | None = None,
        *,
        hidden: Sequence[int] = (128, 128),
        dropout: float | Factory = 0.0,
        drop_connect: float = 0.0,
        norm: str | NormFactory | None = None,
        size: int = 28,
        channels: int = 1,
        classes: int = 10,
        log_softmax: bool = True,
        init: str | Callable[[nn.Module], object] | None = None,
    ) -> None:
        super().__init__()
        self.size = at_least(size, POOLED, "size")
        self.channels = at_least(channels, 1, "channels")
        self.conv_layers = _convolutions(channels)
        self.flatten = nn.Flatten()
        if final_part is None:
            sizes = [4 * (size // POOLED) ** 2, *hidden, classes]
            final_part = _head(sizes, dropout, drop_connect, norm)
        else:
            _refuse_switches(dropout, drop_connect, norm)
        self.final_part = final_part
        self.log_softmax = nn.LogSoftmax(1) if log_softmax else nn.Identity()
        start(self, init)

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities of the classes."""
        values = self.channels * self.size**2
        images = flat_rows(x, values, "the net").reshape(-1, self.channels, self.size, self.size)
        return self.log_softmax(self.final_part(self.flatten(self.conv_layers(images))))


def _convolutions(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 2, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(2, 4, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
    )


def _head(
    sizes: Sequence[int],
    dropout: float | Factory,
    drop_connect: float,
    norm: str | NormFactory | None,
) -> nn.Sequential:
    between = Between("relu", norm, NORMS_OF_VECTORS, dropout)
    linear = _linear(probability(drop_connect, "drop_connect", below_one=True))
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(at_least(size, 1, "a layer's width") for size in sizes[:-1]):
        after = between.ordered(outputs, ("norm", "dropout", "activation"))
        layers += [linear(inputs, outputs), *after]
    last = linear(sizes[-2], at_least(sizes[-1], 1, "classes"))
    return nn.Sequential(*layers, last)


def _linear(drop_connect: float) -> LinearFactory:
    if drop_connect == 0:
        return nn.Linear
    from torchclinic.nn.dropout.drop_connect_linear import DropConnectLinear

    return partial(DropConnectLinear, p=drop_connect)


def _refuse_switches(
    dropout: float | Factory, drop_connect: float, norm: str | NormFactory | None
) -> None:
    given = {"dropout": dropout, "drop_connect": drop_connect, "norm": norm}
    for name, value in given.items():
        if value not in (0, None):
            raise UsageError(
                f"both a final_part and {name}={value!r:.40} are given",
                hint="the switches make the head: put what you want into your own",
            )
