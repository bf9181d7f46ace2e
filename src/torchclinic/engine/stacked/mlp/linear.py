"""A linear layer of all members."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.engine.stacked import native
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
        self._weight, self._bias = weight, bias
        self._weight_gradient, self._bias_gradient = weight_gradient, bias_gradient
        self._x = weight
        self._native = native.available(weight)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        out = self.space("out", x, self._weight.shape[1])
        if self._native:
            self._x = x.contiguous()
            return native.dot(self._x, self._weight, self._bias, out)
        self._x = x
        if self._bias is None:
            return torch.bmm(x, self._weight.mT, out=out)
        return torch.baddbmm(self._bias.unsqueeze(1), x, self._weight.mT, out=out)

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        d = d.contiguous()
        before = self._inputs(d) if wanted else None
        if rate is None:
            self._store(d)
        else:
            self._move(torch.mul(d, rate, out=self.space("moved", d, d.shape[2])))
        return before

    def _inputs(self, d: Tensor) -> Tensor:
        """The gradient with respect to the inputs."""
        out = self.space("in", d, self._weight.shape[2])
        if self._native:
            return native.spread(d, self._weight, out, transposed=False, add=False)
        return torch.bmm(d, self._weight, out=out)

    def _store(self, d: Tensor) -> None:
        if self._native:
            native.spread(d, self._x, self._weight_gradient, transposed=True, add=False)
        else:
            torch.bmm(d.mT, self._x, out=self._weight_gradient)
        if self._bias_gradient is not None:
            torch.sum(d, 1, out=self._bias_gradient)

    def _move(self, moved: Tensor) -> None:
        """Add the product to the weights without ever writing down the gradient."""
        if self._native:
            native.spread(moved, self._x, self._weight, transposed=True, add=True)
        else:
            self._weight.baddbmm_(moved.mT, self._x)
        if self._bias is not None:
            self._bias.add_(moved.sum(1))
