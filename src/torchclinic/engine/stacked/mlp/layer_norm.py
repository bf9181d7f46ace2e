"""Layer normalisation of all members."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from torchclinic.engine.stacked.mlp.affine import Affine
from torchclinic.engine.stacked.mlp.layer import Layer


class StackedLayerNorm(Layer):
    """Each row is brought to mean 0 and variance 1, then scaled and shifted as its member has it.

    Args:
        module: Any member's.
        affine: The scales and shifts.
    """

    def __init__(self, module: nn.LayerNorm, affine: Affine) -> None:
        super().__init__()
        self._eps = module.eps
        self._affine = affine
        self._scale = self._normal = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        variance, mean = torch.var_mean(x, dim=2, correction=0, keepdim=True)
        self._scale = torch.rsqrt(variance + self._eps)
        self._normal = torch.sub(x, mean, out=self.space("normal", x, x.shape[2]))
        self._normal.mul_(self._scale)
        return self._affine.forward(self._normal, self.space("out", x, x.shape[2]))

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        inner = self._affine.backward(d, self._normal, rate)[0]
        if not wanted:
            return None
        product = torch.mul(inner, self._normal, out=self.space("in", d, d.shape[2]))
        slope = product.mean(2, keepdim=True)
        level = inner.mean(2, keepdim=True)
        flat = torch.addcmul(level, self._normal, slope, out=product)
        return torch.sub(inner, flat, out=flat).mul_(self._scale)
