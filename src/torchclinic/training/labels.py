"""Targets that the loss cannot take: class numbers out of range, probabilities outside [0, 1]."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torchclinic.core import DataError
from torchclinic.training.loss_kind import loss_kind, loss_option

NO_INDEX = -100  # torch's default for ignore_index


def target_error(loss: Any, outputs: Any, targets: Any) -> DataError | None:
    """What is wrong with the targets of a batch; None if nothing is, or nothing can be told.

    Args:
        loss: The loss.
        outputs: The tensor that enters it.
        targets: The targets; a device tensor is read back, so keep them on the CPU for this.

    >>> error = target_error(torch.nn.CrossEntropyLoss(), torch.zeros(2, 3), torch.tensor([0, 3]))
    >>> print(error.message)
    label 3 is out of range: the model has 3 outputs, so labels are 0 to 2 (1 of 2 labels is wrong)
    """
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor) or targets.is_complex():
        return None
    kind = loss_kind(loss)
    if kind in ("cross-entropy", "nll") and not targets.is_floating_point():
        return _class_error(loss, outputs, targets)
    return _probability_error(targets) if kind == "bce" else None


def _class_error(loss: Any, outputs: Tensor, targets: Tensor) -> DataError | None:
    classes = outputs.shape[1] if outputs.dim() > 1 else outputs.shape[0]
    ignored = loss_option(loss, "ignore_index", NO_INDEX)
    wrong = targets[((targets < 0) | (targets >= classes)) & (targets != ignored)]
    if wrong.numel() == 0:
        return None
    label = int(wrong.flatten()[0])
    verb = "is" if wrong.numel() == 1 else "are"
    return DataError(
        f"label {label} is out of range: the model has {classes} outputs, so labels are 0 to "
        f"{classes - 1} ({wrong.numel()} of {targets.numel()} labels {verb} wrong)",
        hint=_class_hint(label, classes),
    )


def _class_hint(label: int, classes: int) -> str:
    if label < 0:
        return "number the classes from 0"
    if label == classes:
        return f"number the classes from 0, or give the last layer {label + 1} outputs"
    return f"relabel, or give the last layer at least {label + 1} outputs"


def _probability_error(targets: Tensor) -> DataError | None:
    values = targets.detach()
    wrong = values[(values < 0) | (values > 1)] if values.dtype != torch.bool else values[:0]
    if wrong.numel() == 0:
        return None
    return DataError(
        f"target {float(wrong.flatten()[0]):g} is outside [0, 1], which binary cross-entropy needs",
        hint="give targets of 0 and 1",
    )
