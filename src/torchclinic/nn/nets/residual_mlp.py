"""A deep multi-layer perceptron whose blocks have shortcuts."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from torchclinic.nn.checks import at_least
from torchclinic.nn.nets.mlp import start
from torchclinic.nn.nets.parts import (
    NORMS_OF_VECTORS,
    Between,
    Factory,
    NormFactory,
    flat_rows,
)
from torchclinic.nn.residual import Residual

BEFORE = ("norm", "activation")  # a linear map of a block


class ResidualMLP(nn.Module):
    r"""A linear map to the width, blocks with shortcuts, and a linear output layer.

    $h_{l+1} = h_l + W_2 \, d(\varphi(n(W_1 \varphi(n(h_l)))))$: two linear maps a block, each
    behind its own norm and activation, so that nothing but sums lies on the shortcut.

    **Shape**: (N, ...) with `features` values a row -> (N, classes).

    Args:
        features: Values of a row.
        n_blocks: Blocks of two linear maps.
        width: Units of each.
        classes: Outputs.
        activation: Torch's function name, or a module class or factory.
        init: A scheme of `torchclinic.init.initialize`, a function that is given the net, or None.
        norm: "batch", "layer" or "rms", a factory that is given the width, or None.
        dropout: Probability of zeroing a hidden unit, or a factory of such a module.
        shortcuts: Without them it is the plain net to compare with.

    Raises:
        UsageError: For numbers or names that make no sense.

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", figure 4e,
    arXiv 1603.05027.

    >>> import torch
    >>> net = ResidualMLP(64, n_blocks=8, width=32, norm="layer")
    >>> net(torch.zeros(5, 64)).shape, len(net.blocks)
    (torch.Size([5, 10]), 8)
    """

    def __init__(  # noqa: PLR0913 - these are the switches
        self,
        features: int = 784,
        n_blocks: int = 4,
        width: int = 100,
        classes: int = 10,
        *,
        activation: str | Factory = "relu",
        init: str | Callable[[nn.Module], object] | None = None,
        norm: str | NormFactory | None = None,
        dropout: float | Factory = 0.0,
        shortcuts: bool = True,
    ) -> None:
        super().__init__()
        self.features = at_least(features, 1, "features")
        at_least(width, 1, "width")
        between = Between(activation, norm, NORMS_OF_VECTORS, dropout)
        blocks = [_block(width, between) for _ in range(at_least(n_blocks, 1, "n_blocks"))]
        self.entry = nn.Linear(features, width)
        self.blocks = nn.Sequential(*(Residual(b) if shortcuts else b for b in blocks))
        self.exit = nn.Sequential(
            *between.ordered(width, BEFORE), nn.Linear(width, at_least(classes, 1, "classes"))
        )
        start(self, init)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the classes."""
        return self.exit(self.blocks(self.entry(flat_rows(x, self.features, "the MLP"))))


def _block(width: int, between: Between) -> nn.Sequential:
    return nn.Sequential(
        *between.ordered(width, BEFORE),
        nn.Linear(width, width),
        *between.ordered(width, (*BEFORE, "dropout")),
        nn.Linear(width, width),
    )
