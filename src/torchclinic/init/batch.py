"""A batch that a model is called with, and what one forward pass on it shows."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from torchclinic.core import DataError
from torchclinic.graph import ForwardMap, ForwardRecorder, tensors_in, undisturbed


def call(model: nn.Module, inputs: Any) -> Any:
    """The model's output for one tensor or a tuple of arguments."""
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def recorded(model: nn.Module, inputs: Any) -> ForwardMap:
    """What one forward pass shows; the model is left as it was."""
    with undisturbed(model), torch.no_grad(), ForwardRecorder(model) as recorder:
        call(model, inputs)
    return recorder.result()


def check_finite(inputs: Any) -> None:
    """Refuse a batch that nothing can be measured on.

    Raises:
        DataError: For values that are not finite.
    """
    for tensor in tensors_in(inputs):
        bad = tensor[~tensor.isfinite()]
        if bad.numel():
            raise DataError(
                f"{bad.numel()} of {tensor.numel()} inputs are not finite, the first is "
                f"{bad[0].item()}",
                hint="measure on rows without NaN and infinity",
            )
