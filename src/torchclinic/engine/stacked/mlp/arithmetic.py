"""Sums of layers, and arithmetic with numbers and buffers."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.engine.stacked.mlp.layer import Layer


class StackedAdd(Layer):
    """The end of a shortcut; a layer of several inputs is given their sum."""

    def forward(self, x: Tensor) -> Tensor:
        """The sum, as it is."""
        return x

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """The gradient of each of the two."""
        del rate, wanted  # it has no parameters
        return d


class StackedArithmetic(Layer):
    """`x + c`, `x - c`, `x * c` or `x / c`.

    Args:
        operation: "add", "sub", "mul" or "div".
        operand: A number, or a buffer of shape (members, ...) that fits the last dimensions.
    """

    def __init__(self, operation: str, operand: float | Tensor) -> None:
        super().__init__()
        self._operation = operation
        self._operand = operand

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        return getattr(torch, self._operation)(x, self._fitting(x))

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """The inputs' gradient."""
        del rate  # it has no parameters
        if not wanted or self._operation in ("add", "sub"):
            return d
        return getattr(torch, self._operation)(d, self._fitting(d))

    def _fitting(self, x: Tensor) -> float | Tensor:
        """The operand, with dimensions of 1 between the members' and its own."""
        operand = self._operand
        if not isinstance(operand, Tensor):
            return operand
        between = x.dim() - operand.dim()
        return operand.reshape(len(operand), *[1] * between, *operand.shape[1:])
