"""Running statistics of batch normalisation, for all members."""

from __future__ import annotations

from torch import Tensor


class RunningStatistics:
    """Running means and variances; variances without bias, as torch keeps them.

    Args:
        momentum: Weight of a new batch; None for the mean over all batches.
        mean: Of shape (members, features), or None.
        variance: Of the same shape, or None.
        batches: Batches seen, of shape (members,), or None.
    """

    def __init__(
        self,
        momentum: float | None,
        mean: Tensor | None,
        variance: Tensor | None,
        batches: Tensor | None,
    ) -> None:
        self._momentum = momentum
        self._mean, self._variance, self._batches = mean, variance, batches

    def follow(self, mean: Tensor, variance: Tensor, rows: int) -> None:
        """Take in a batch."""
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
