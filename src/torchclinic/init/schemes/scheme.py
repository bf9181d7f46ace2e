"""Scheme: a way to fill a weight matrix."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.core import Registry


@dataclass(frozen=True)
class Fill:
    """What is to be filled.

    Attributes:
        shape: Of the weight, units first.
        fan_in: Inputs of one unit.
        fan_out: Outputs that one input feeds.
        gain: Of the activation that follows.
        generator: Source of random numbers; None for torch's global one.
    """

    shape: tuple[int, ...]
    fan_in: int
    fan_out: int
    gain: float
    generator: torch.Generator | None = None

    def normal(self, std: float) -> Tensor:
        """Values from N(0, std^2)."""
        return torch.randn(self.shape, generator=self.generator) * std

    def uniform(self, bound: float) -> Tensor:
        """Values from U(-bound, bound)."""
        return (torch.rand(self.shape, generator=self.generator) * 2 - 1) * bound


@dataclass(frozen=True)
class Scheme:
    """A way to fill a weight matrix.

    Attributes:
        name: Kebab-case, unique.
        title: For tables.
        fill: Fill -> values of its shape.
        std: Fill -> the standard deviation that the values have.
        source: Paper.
        with_options: Keyword options -> the scheme with them; None if it has none.
    """

    name: str
    title: str
    fill: Callable[[Fill], Tensor]
    std: Callable[[Fill], float]
    source: str
    with_options: Callable[..., Scheme] | None = None

    def options(self) -> tuple[str, ...]:
        """Names of its options."""
        make = self.with_options
        return () if make is None else tuple(inspect.signature(make).parameters)

    def times(self, factor: float) -> Scheme:
        """The same with all values multiplied.

        >>> from torchclinic.init import SCHEMES
        >>> SCHEMES["lecun"].times(0.5).std(Fill((4, 4), 4, 4, 1.0))
        0.25
        """
        if factor == 1:
            return self
        return dataclasses.replace(
            self,
            title=f"{self.title} times {factor:g}",
            fill=lambda fill: self.fill(fill) * factor,
            std=lambda fill: self.std(fill) * abs(factor),
        )


SCHEMES: Registry[Scheme] = Registry("initialisation scheme", "torchclinic.schemes")
