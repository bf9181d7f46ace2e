"""Inputs and outputs of a model as tensors with rows first, whatever holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from torchclinic.core import DataError, ModelError

OUTPUT_KEYS = ("logits", "out", "output", "prediction")
Inputs = Any
Forward = Callable[[Inputs], Tensor]
T = TypeVar("T")


def forward_of(model: nn.Module) -> Forward:
    """Calls the model and picks its prediction.

    A tuple of inputs is handed over as several arguments, a mapping by keyword. Of several outputs
    the first is the prediction, of a mapping that under "logits" or another of `OUTPUT_KEYS`.

    Args:
        model: The model.
    """

    def forward(inputs: Inputs) -> Tensor:
        if isinstance(inputs, Mapping):
            return _prediction(model(**inputs))
        return _prediction(model(*inputs) if isinstance(inputs, tuple) else model(inputs))

    return forward


def count_rows(inputs: Inputs) -> int:
    """Number of rows.

    Raises:
        DataError: Without a tensor, without rows, or if the tensors differ in their number.
    """
    sizes = {leaf.shape[0] if leaf.dim() else 0 for leaf in _tensors(inputs)}
    if len(sizes) != 1 or sizes == {0}:
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in _tensors(inputs)) or "no tensor"
        raise DataError(f"the inputs have {shapes}", hint="give tensors with equally many rows")
    return sizes.pop()


def on_rows(function: Callable[[Tensor], Tensor], inputs: T) -> T:
    """Apply a function to each tensor among the inputs."""
    return tree_map(lambda leaf: function(leaf) if isinstance(leaf, Tensor) else leaf, inputs)


def device_of(inputs: Inputs) -> torch.device:
    """The device of the first tensor."""
    return _tensors(inputs)[0].device


def _tensors(inputs: Inputs) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor)]


def _prediction(output: Any) -> Tensor:
    if isinstance(output, Mapping):
        key = next((name for name in OUTPUT_KEYS if name in output), None)
        output = next(iter(output.values()), None) if key is None else output[key]
    elif isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, Tensor):
        raise ModelError(
            f"the model's output is of type {type(output).__name__}",
            hint="its prediction must be a tensor with rows first",
        )
    return output
