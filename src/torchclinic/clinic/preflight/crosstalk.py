"""Does a row's output depend on the other rows of its batch?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core.errors import TorchclinicError
from torchclinic.data.structure import rows_of, take_rows, tensors_of
from torchclinic.graph import undisturbed
from torchclinic.training import forward

ROWS = 4
KEPT = 1  # this row stays while the others are exchanged
NOISE = 1e-5  # of the outputs' size: what a sum in another order may change


def crosstalk(model: nn.Module, inputs: Any) -> bool | None:
    """Whether exchanging the other rows changes a row's output, in evaluation mode.

    Args:
        model: The model; it is left as it was.
        inputs: At least eight rows, structured as the model takes them.

    Returns:
        None where it could not be told: too few rows, or no output for each row.
    """
    rows = rows_of(inputs)
    if rows is None or rows < 2 * ROWS:
        return None
    first = torch.arange(ROWS)
    second = torch.arange(ROWS, 2 * ROWS)
    second[KEPT] = KEPT
    with undisturbed(model), torch.no_grad():
        model.eval()
        try:
            before, after = (_kept(model, take_rows(inputs, index)) for index in (first, second))
        except TorchclinicError:
            return None
    if before is None or after is None or before.shape != after.shape:
        return None
    size = float(torch.maximum(before.abs().max(), after.abs().max()))
    difference = float((before - after).abs().max())
    return difference > NOISE * size if difference == difference else None  # noqa: PLR0124 - NaN


def _kept(model: nn.Module, inputs: Any) -> Tensor | None:
    """The output of the kept row."""
    output = next(tensors_of(forward(model, inputs)), None)
    if output is None or output.dim() == 0 or len(output) != ROWS or output.numel() == 0:
        return None
    return output[KEPT].double()
