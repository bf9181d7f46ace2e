"""Mean squared error."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from torchclinic.core import Recipe
from torchclinic.training.batch import first_tensor
from torchclinic.training.metrics.accumulator import aligned
from torchclinic.training.objective import OUTPUT_KEYS


class MeanSquaredError:
    r"""$\frac1N \sum_i (\hat y_i - y_i)^2$ over all elements.

    **Shape**: outputs and targets with the same number of elements; (N, 1) and (N,) agree.

    **Units**: those of the targets, squared.

    >>> import torch
    >>> error = MeanSquaredError()
    >>> error.update(torch.tensor([[1.0], [3.0]]), torch.tensor([1.0, 1.0]))
    >>> error.value()
    2.0
    """

    def __init__(self, recipe: Recipe | None = None) -> None:
        del recipe  # it is the same for every recipe
        self._sum: Tensor | float = 0.0
        self._count = 0

    def update(self, outputs: Any, targets: Any) -> None:
        """Take in a batch.

        Raises:
            DataError: If outputs and targets differ in their number of elements.
        """
        found = first_tensor(outputs, OUTPUT_KEYS)
        predicted, truth = aligned(outputs if found is None else found, targets, "mse")
        self._sum = self._sum + (predicted - truth).square().sum()
        self._count += truth.numel()

    def value(self) -> float:
        """The mean."""
        return float(self._sum) / self._count if self._count else float("nan")
