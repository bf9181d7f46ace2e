"""Dropout with a random stream for each member."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchclinic.engine.stacked.mlp.layer import Layer


class Draws:
    """The members' random streams.

    Attributes:
        generators: One for each member.
    """

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        self.generators = list(generators)

    def masks(self, out: Tensor, rates: Sequence[float]) -> Tensor:
        """Fill `out` with each member's mask: 0, or 1 / (1 - rate).

        A member draws what `torch.nn.functional.dropout` would draw for it alone.

        Args:
            out: Of shape (members, ...).
            rates: Share of zeros of each member.
        """
        for mask, rate, generator in zip(out, rates, self.generators, strict=True):
            if rate == 0:
                mask.fill_(1.0)
            elif rate == 1:
                mask.zero_()
            else:
                mask.bernoulli_(1 - rate, generator=generator).div_(1 - rate)
        return out

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these members only."""
        self.generators = [self.generators[row] for row in rows]


class StackedDropout(Layer):
    """Dropout of all members, each with its own rate."""

    def __init__(self, draws: Draws, rates: Sequence[float]) -> None:
        super().__init__()
        self._draws = draws
        self._rates = rates
        self._mask = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        self._mask = self._draws.masks(self.space("mask", x, x.shape[2]), self._rates)
        return x * self._mask

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        del rate  # it has no parameters
        return d * self._mask if wanted else None
