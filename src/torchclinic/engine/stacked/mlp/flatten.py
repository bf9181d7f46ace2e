"""Inputs of any shape become rows of features."""

from __future__ import annotations

from torch import Tensor

from torchclinic.engine.stacked.mlp.layer import Layer


class StackedFlatten(Layer):
    """(members, rows, ...) to (members, rows, features)."""

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        self._shape = x.shape
        return x.flatten(2)

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        del rate  # it has no parameters
        return d.view(self._shape) if wanted else None
