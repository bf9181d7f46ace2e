"""A metric over a whole split, fed batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from torchclinic.core import DataError, RecipeError
from torchclinic.data import join_batches, map_tensors
from torchclinic.training.batch import all_finite, describe


class Accumulator(Protocol):
    """Collects what a metric needs, a batch at a time."""

    def update(self, outputs: Any, targets: Any) -> None:
        """Take in a batch."""
        ...

    def value(self) -> float:
        """The metric over all batches so far; NaN before the first."""
        ...


class Joined:
    """Keeps all outputs and targets, on the CPU, for a function that wants them whole.

    Args:
        function: Of all outputs and all targets of a split.
        name: For messages.
    """

    def __init__(self, function: Callable[[Any, Any], Any], name: str) -> None:
        self._function = function
        self._name = name
        self._batches: list[tuple[Any, Any]] = []

    def update(self, outputs: Any, targets: Any) -> None:
        """Take in a batch."""
        self._batches.append((map_tensors(_kept, outputs), map_tensors(_kept, targets)))

    def value(self) -> float:
        """The function's value.

        Raises:
            RecipeError: If the function raises or returns no number.
        """
        outputs = join_batches([batch[0] for batch in self._batches])
        targets = join_batches([batch[1] for batch in self._batches])
        try:
            return float(self._function(outputs, targets))
        except Exception as error:
            if not all_finite(outputs):  # many functions refuse what a diverged model gives
                return float("nan")
            raise RecipeError(
                f"the metric {self._name} raised {type(error).__name__} on outputs "
                f"{describe(outputs)} and targets {describe(targets)}: {error}",
                hint="a metric gets all outputs and all targets of a split and returns a number",
            ) from error


def aligned(outputs: Tensor, targets: Any, name: str) -> tuple[Tensor, Tensor]:
    """Outputs and targets as float64 of one shape: (rows, 1) and (rows,) are the same.

    Raises:
        DataError: If they have different numbers of elements, or are no tensors.
    """
    if not isinstance(targets, Tensor) or outputs.numel() != targets.numel():
        raise DataError(
            f"the metric {name} cannot compare outputs {describe(outputs)} with targets "
            f"{describe(targets)}",
            hint="they need the same number of elements; or give a metric of your own",
        )
    plain = outputs.detach().double()
    return plain, targets.detach().double().reshape(plain.shape)


def _kept(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)
