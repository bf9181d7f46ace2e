"""An autoencoder: to a code and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from torchclinic.nn.checks import at_least
from torchclinic.nn.nets.mlp import start
from torchclinic.nn.nets.parts import (
    Factory,
    activation_of,
    dropout_of,
    flat_rows,
)


class Autoencoder(nn.Module):
    r"""An encoder to a code, and a decoder of the mirrored widths.

    $c = \varphi(W_e x + b_e), \quad y = \psi(W_d \, d(c) + b_d)$, and more layers where `hidden`
    says so. The rows of `filters` are what the units of the first layer look for.

    **Shape**: (N, ...) with `features` values a row -> the same.

    Args:
        features: Values of a row.
        code: Units of the code.
        hidden: Units of the encoder's layers before the code; the decoder has them in reverse.
        activation: Of all layers but the last: torch's function name, a class or a factory.
        output: Of the last layer; "sigmoid" for inputs in [0, 1], None for any.
        dropout: Probability of zeroing a unit of the code, or a factory of such a module.
        init: A scheme of `torchclinic.init.initialize`, a function that is given the net, or None.

    Raises:
        UsageError: For numbers or names that make no sense.

    Source: the net of 256 units whose filters show co-adaptation is that of Srivastava et al.
    2014, "Dropout", figure 7, jmlr.org/papers/v15/srivastava14a.html.

    >>> import torch
    >>> net = Autoencoder(64, code=16)
    >>> net(torch.zeros(5, 1, 8, 8)).shape, net.filters.shape
    (torch.Size([5, 1, 8, 8]), torch.Size([16, 64]))
    """

    def __init__(
        self,
        features: int = 784,
        code: int = 256,
        *,
        hidden: Sequence[int] = (),
        activation: str | Factory = "relu",
        output: str | Factory | None = None,
        dropout: float | Factory = 0.0,
        init: str | Callable[[nn.Module], object] | None = None,
    ) -> None:
        super().__init__()
        self.features = at_least(features, 1, "features")
        inside = [at_least(width, 1, "a hidden width") for width in hidden]
        sizes = [features, *inside, at_least(code, 1, "code")]
        encoder: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            encoder += [nn.Linear(inputs, outputs), activation_of(activation)]
        sizes.reverse()
        decoder: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes[:-1]):
            decoder += [nn.Linear(inputs, outputs), activation_of(activation)]
        decoder += [nn.Linear(sizes[-2], features), activation_of(output)]
        self.encoder = nn.Sequential(*encoder)
        self.dropout = dropout_of(dropout)
        self.decoder = nn.Sequential(*decoder)
        start(self, init)

    @property
    def filters(self) -> Tensor:
        """Weights of the first layer, one row a unit."""
        first = self.encoder[0]
        assert isinstance(first, nn.Linear)
        return first.weight

    def encode(self, x: Tensor) -> Tensor:
        """The code of each row: (N, ...) -> (N, code)."""
        return self.encoder(flat_rows(x, self.features, "the autoencoder"))

    def decode(self, code: Tensor) -> Tensor:
        """Rows from codes: (N, code) -> (N, features)."""
        return self.decoder(code)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction."""
        return self.decode(self.dropout(self.encode(x))).reshape(x.shape)
