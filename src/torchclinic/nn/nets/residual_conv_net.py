"""A small residual convolutional net for images of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.nn.checks import at_least
from torchclinic.nn.nets.mlp import start
from torchclinic.nn.nets.parts import (
    NORMS_OF_IMAGES,
    Between,
    Factory,
    NormFactory,
)
from torchclinic.nn.nets.residual_mlp import BEFORE
from torchclinic.nn.residual import Residual


class ResidualConvNet(nn.Module):
    r"""Stages of residual blocks, each at half the resolution of the one before.

    Entry: conv 3x3 to the first width. A stage: `blocks` times
    $h + C_2 \, d(\varphi(n(C_1 \varphi(n(h)))))$ with 3x3 convolutions; between stages a 3x3
    convolution of stride 2 to the next width. Exit: norm, activation, mean over the image, linear.

    **Shape**: (N, channels, height, width) -> (N, classes).

    Args:
        channels: Of the image.
        classes: Outputs.
        widths: Channels of each stage.
        blocks: Residual blocks of each stage.
        activation: Torch's function name, or a module class or factory.
        norm: "batch", "instance" or "layer", a factory that is given the channels, or None.
        dropout: Probability of zeroing a value inside a block, or a factory of such a module
            (`DropBlock2d`).
        wrap: What a block is wrapped in, after its shortcut: `wrap(block, place)` with the place
            counted from 0, such as stochastic depth; None for `Residual`.
        init: A scheme of `torchclinic.init.initialize`, a function that is given the net, or None.

    Raises:
        UsageError: For numbers or names that make no sense.

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", arXiv 1603.05027.

    >>> import torch
    >>> net = ResidualConvNet(widths=(8, 16), blocks=2)
    >>> net(torch.zeros(3, 1, 8, 8)).shape
    torch.Size([3, 10])
    """

    def __init__(  # noqa: PLR0913 - these are the switches
        self,
        channels: int = 1,
        classes: int = 10,
        *,
        widths: Sequence[int] = (16, 32),
        blocks: int = 1,
        activation: str | Factory = "relu",
        norm: str | NormFactory | None = "batch",
        dropout: float | Factory = 0.0,
        wrap: Callable[[nn.Module, int], nn.Module] | None = None,
        init: str | Callable[[nn.Module], object] | None = None,
    ) -> None:
        super().__init__()
        self.channels = at_least(channels, 1, "channels")
        if not widths:
            raise UsageError("widths is empty", hint="channels of each stage: (16, 32)")
        sizes = [at_least(width, 1, "a stage's width") for width in widths]
        at_least(blocks, 1, "blocks")
        between = Between(activation, norm, NORMS_OF_IMAGES, dropout)
        stages: list[nn.Module] = []
        for stage, width in enumerate(sizes):
            if stage:
                stages.append(_conv(sizes[stage - 1], width, stride=2))
            places = range(stage * blocks, (stage + 1) * blocks)
            stages += [(wrap or _plainly)(_block(width, between), place) for place in places]
        self.entry = _conv(channels, sizes[0])
        self.stages = nn.Sequential(*stages)
        self.exit = nn.Sequential(
            *between.ordered(sizes[-1], BEFORE),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(sizes[-1], at_least(classes, 1, "classes")),
        )
        start(self, init)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the classes."""
        return self.exit(self.stages(self.entry(x)))


def _block(width: int, between: Between) -> nn.Sequential:
    return nn.Sequential(
        *between.ordered(width, BEFORE),
        _conv(width, width),
        *between.ordered(width, (*BEFORE, "dropout")),
        _conv(width, width),
    )


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


def _plainly(block: nn.Module, place: int) -> nn.Module:
    del place
    return Residual(block)
