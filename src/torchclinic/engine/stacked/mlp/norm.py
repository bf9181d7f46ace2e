"""Batch and layer normalisation of all members."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.engine.stacked import native
from torchclinic.engine.stacked.mlp import normalising
from torchclinic.engine.stacked.mlp.affine import Affine
from torchclinic.engine.stacked.mlp.layer import Layer
from torchclinic.engine.stacked.mlp.statistics import RunningStatistics
from torchclinic.engine.stacked.native.norms import Over


class StackedNorm(Layer):
    r"""$\hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}$, $y = \gamma \hat x + \beta$.

    Args:
        over: What mean and variance are taken over: a member's rows ("batch") or the features of
            each row ("layer").
        eps: Added to the variance.
        affine: The scales and shifts.
        statistics: What follows mean and variance over the rows, or None.
    """

    def __init__(
        self, over: Over, eps: float, affine: Affine, statistics: RunningStatistics | None = None
    ) -> None:
        super().__init__()
        self._over: Over = over
        self._eps = eps
        self._affine = affine
        self._statistics = statistics

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        x = x.contiguous()
        self._kernels = native if native.available(x) else normalising
        affine, into = self._affine, self._results(x)
        self._done = self._kernels.norm(self._over, x, affine.scale, affine.shift, self._eps, into)
        if self._statistics is not None:
            mean, variance = self._done.mean, self._done.variance
            assert mean is not None
            assert variance is not None
            self._statistics.follow(mean, variance, x.shape[1])
        return self._done.out

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        d = d.contiguous()
        before = self.space("in", d, d.shape[2])
        scale = self._affine.scale
        level, slope = self._kernels.norm_back(self._over, d, self._done, scale, before)
        self._affine.take(slope, level, rate)
        return before if wanted else None

    def _results(self, x: Tensor) -> Tensor:
        """Memory for the normalised values and the outputs."""
        key = ("results", x.shape[1], x.shape[2])
        if key not in self._memory:
            self._memory[key] = torch.empty((2, *x.shape), dtype=x.dtype, device=x.device)
        return self._memory[key]
