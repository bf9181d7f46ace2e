"""A few rows of a recipe's training data, for surgery that has to see the model run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from torchclinic.core import Recipe, SurgeryError
from torchclinic.graph import undisturbed
from torchclinic.remedies._rows import ROWS, map_tensors, some_rows

TARGET_KEYS = ("label", "labels", "target", "targets", "y")


class Arguments(tuple[Any, ...]):
    """Inputs that are one positional argument of the model's forward each."""

    __slots__ = ()


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of the training data and the way in which they are handed to the model.

    Attributes:
        batch: As the data delivers it, with at most `ROWS` rows.
        step: The recipe's custom step, which then is the only one who knows how to call the model.
    """

    batch: Any
    step: Callable[[nn.Module, Any], Any] | None = None

    @property
    def inputs(self) -> Any:
        """What goes into the model."""
        return split(self.batch)[0]

    def run(self, model: nn.Module) -> Any:
        """One forward pass in evaluation mode that leaves the model and the generators alone.

        Raises:
            SurgeryError: If the forward pass raises.
        """
        with undisturbed(model):
            return self.on(model).forward(model.eval())

    def on(self, model: nn.Module) -> Sample:
        """The same rows on the device of the model's first parameter."""
        first = next(iter(model.parameters()), None)
        if first is None:
            return self
        return Sample(map_tensors(lambda tensor: tensor.to(first.device), self.batch), self.step)

    def forward(self, model: nn.Module) -> Any:
        """The model's output in whichever mode it is; the loss with a custom step.

        The tensors are handed over as they are, so that a recorder sees them first in the model.

        Raises:
            SurgeryError: If the forward pass raises.
        """
        try:
            return self.step(model, self.batch) if self.step else call(model, split(self.batch)[0])
        except Exception as error:
            raise SurgeryError(
                f"the forward pass raised {type(error).__name__}: {error}",
                hint="layers can be changed only in a model that runs",
            ) from error


def sample_of(recipe: Recipe) -> Sample | None:
    """A sample of the training data; None where it could only be had by using the data up."""
    batch = some_rows(recipe.splits.train, ROWS)
    return None if batch is None else Sample(batch, recipe.step)


def split(batch: Any) -> tuple[Any, Any]:
    """Inputs and targets, by the rules of `torchclinic.training.split_batch`.

    >>> split({"x": 1, "y": 2}), split((1, 2, 3))
    (({'x': 1}, 2), ((1, 2), 3))
    """
    if isinstance(batch, Mapping):
        key = next((name for name in TARGET_KEYS if name in batch), None)
        inputs = {name: value for name, value in batch.items() if name != key}
        return (inputs, batch[key]) if key is not None else (batch, None)
    if not isinstance(batch, tuple | list):
        return batch, None
    if len(batch) == 1:
        return batch[0], None
    if len(batch) == 2:
        return batch[0], batch[1]
    return Arguments(batch[:-1]), batch[-1]


def call(model: nn.Module, inputs: Any) -> Any:
    """The model's output, by the rules of `torchclinic.training.forward`."""
    if isinstance(inputs, Mapping):
        names = {str(name): value for name, value in inputs.items()}
        return model(**names) if _takes(model, names) else model(inputs)
    if isinstance(inputs, Arguments):
        return model(*inputs)
    if isinstance(inputs, tuple | list) and len(inputs) == _required(model) > 1:
        return model(*inputs)
    return model(inputs)


def _takes(model: nn.Module, names: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(model.forward).bind(**names)
    except TypeError:
        return False
    return True


def _required(model: nn.Module) -> int:
    parameters = inspect.signature(model.forward).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)
