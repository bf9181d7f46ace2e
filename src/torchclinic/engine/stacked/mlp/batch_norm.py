"""Batch normalisation of all members."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from torchclinic.engine.stacked.mlp.affine import Affine
from torchclinic.engine.stacked.mlp.layer import Layer


class StackedBatchNorm(Layer):
    r"""Each feature is brought to mean 0 and variance 1 over its member's rows.

    $\hat x = (x - \mu_B) / \sqrt{\sigma_B^2 + \epsilon}$, $y = \gamma \hat x + \beta$.

    Args:
        module: Any member's.
        affine: The scales and shifts.
        mean: Running means, of shape (members, features), or None.
        variance: Running variances, or None.
        batches: Batches seen, of shape (members,), or None.
    """

    def __init__(
        self,
        module: nn.BatchNorm1d,
        affine: Affine,
        mean: Tensor | None,
        variance: Tensor | None,
        batches: Tensor | None,
    ) -> None:
        super().__init__()
        self._eps, self._momentum = module.eps, module.momentum
        self._affine = affine
        self._mean, self._variance, self._batches = mean, variance, batches
        self._scale = self._normal = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        variance, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
        self._follow(mean[:, 0], variance[:, 0], x.shape[1])
        self._scale = torch.rsqrt(variance + self._eps)
        self._normal = torch.sub(x, mean, out=self.space("normal", x, x.shape[2]))
        self._normal.mul_(self._scale)
        return self._affine.forward(self._normal, self.space("out", x, x.shape[2]))

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        inner, shift, slope = self._affine.backward(d, self._normal, rate)
        if not wanted:
            return None
        # of the normalised values' gradient, what changes neither mean nor variance
        rows = d.shape[1]
        flat = torch.addcmul(shift, self._normal, slope, out=self.space("in", d, d.shape[2]))
        return torch.sub(inner, flat, alpha=1 / rows, out=flat).mul_(self._scale)

    def _follow(self, mean: Tensor, variance: Tensor, rows: int) -> None:
        """The running statistics."""
        if self._batches is not None:
            self._batches.add_(1)
        if self._mean is None or self._variance is None:
            return
        weight = self._momentum
        if weight is None:
            assert self._batches is not None
            weight = 1.0 / float(self._batches[0])
        self._mean.mul_(1 - weight).add_(mean, alpha=weight)
        self._variance.mul_(1 - weight).add_(variance, alpha=weight * rows / (rows - 1))
