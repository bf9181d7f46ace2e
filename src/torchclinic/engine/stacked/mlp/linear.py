"""A linear layer of all members."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.engine.stacked.mlp.layer import Layer


class StackedLinear(Layer):
    """`y = x W' + b` for each member.

    Args:
        weight: Of shape (members, out, in).
        bias: Of shape (members, out), or None.
        weight_gradient: Where the weight's gradient goes.
        bias_gradient: Where the bias's gradient goes.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        weight_gradient: Tensor,
        bias_gradient: Tensor | None,
    ) -> None:
        super().__init__()
        self._weight, self._transposed = weight, weight.mT
        self._bias = bias
        self._row = None if bias is None else bias.unsqueeze(1)
        self._weight_gradient, self._bias_gradient = weight_gradient, bias_gradient
        self._x = weight

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        self._x = x
        out = self.space("out", x, self._weight.shape[1])
        if self._row is None:
            return torch.bmm(x, self._transposed, out=out)
        return torch.baddbmm(self._row, x, self._transposed, out=out)

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        before = self.space("in", d, self._weight.shape[2]) if wanted else None
        if before is not None:
            torch.bmm(d, self._weight, out=before)
        if rate is None:
            torch.bmm(d.mT, self._x, out=self._weight_gradient)
            if self._bias_gradient is not None:
                torch.sum(d, 1, out=self._bias_gradient)
        else:
            moved = torch.mul(d, rate, out=self.space("moved", d, d.shape[2]))
            self._weight.baddbmm_(moved.mT, self._x)
            if self._bias is not None:
                self._bias.add_(moved.sum(1))
        return before
