"""R squared: the share of the targets' variance that the outputs explain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torchclinic.core import Recipe
from torchclinic.training.batch import first_tensor
from torchclinic.training.metrics.accumulator import aligned
from torchclinic.training.objective import OUTPUT_KEYS


class RSquared:
    r"""$1 - \sum_i (y_i - \hat y_i)^2 / \sum_i (y_i - \bar y)^2$, mean over the columns.

    A column without variance scores 1 when it is predicted exactly and 0 otherwise.

    **Shape**: outputs and targets with the same number of elements; (N, 1) and (N,) agree.

    **Range**: below or equal to 1; 0 for always predicting the mean.

    Source: the running sum of squares around the mean is merged batch by batch as in Chan, Golub
    and LeVeque, "Updating formulae and a pairwise algorithm" (1979), equation 2.1.

    >>> score = RSquared()
    >>> score.update(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 4.0]))
    >>> round(score.value(), 4)
    0.7857
    """

    def __init__(self, recipe: Recipe | None = None) -> None:
        del recipe  # it is the same for every recipe
        self._rows = 0
        self._mean: Tensor | None = None
        self._spread = torch.zeros(())
        self._error = torch.zeros(())

    def update(self, outputs: Any, targets: Any) -> None:
        """Take in a batch.

        Raises:
            DataError: If outputs and targets differ in their number of elements.
        """
        found = first_tensor(outputs, OUTPUT_KEYS)
        predicted, truth = aligned(outputs if found is None else found, targets, "r2")
        rows = truth.shape[0]
        predicted, truth = predicted.reshape(rows, -1), truth.reshape(rows, -1)
        mean = truth.mean(0)
        spread = (truth - mean).square().sum(0)
        error = (predicted - truth).square().sum(0)
        if self._mean is None:
            self._rows, self._mean, self._spread, self._error = rows, mean, spread, error
            return
        total = self._rows + rows
        step = mean - self._mean
        self._spread = self._spread + spread + step.square() * (self._rows * rows / total)
        self._mean = self._mean + step * (rows / total)
        self._error = self._error + error
        self._rows = total

    def value(self) -> float:
        """The score."""
        if self._mean is None:
            return float("nan")
        flat = self._spread == 0
        score = 1 - self._error / torch.where(flat, 1.0, self._spread)
        constant = (self._error == 0).to(score.dtype)
        return float(torch.where(flat, constant, score).mean())
