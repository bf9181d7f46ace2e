"""What of a batch is mixed: its real inputs, and its targets as shares of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by

from torchclinic.core import DataError
from torchclinic.data.structure import tensors_of

TARGET_KEYS = ("label", "labels", "target", "targets", "y")


def parts_of(batch: Any) -> tuple[Any, Tensor]:
    """Inputs and targets of a batch: of a tuple the last is the target, of a dict that of a name.

    Raises:
        DataError: If there is no target tensor.

    >>> inputs, targets = parts_of({"x": torch.zeros(2), "y": torch.ones(2)})
    >>> list(inputs), targets.tolist()
    (['x'], [1.0, 1.0])
    """
    inputs, targets = None, None
    if isinstance(batch, Mapping):
        key = _target_key(batch)
        inputs = {name: value for name, value in batch.items() if name != key}
        targets = batch.get(key)
    elif isinstance(batch, tuple | list) and len(batch) > 1:
        inputs, targets = (batch[0] if len(batch) == 2 else tuple(batch[:-1])), batch[-1]
    if not isinstance(targets, Tensor) or targets.dim() == 0:
        raise DataError(
            f"a batch of type {type(batch).__name__} has no target tensor to mix",
            hint=f"give (inputs, targets), or a dict with one of {', '.join(TARGET_KEYS)}",
        )
    return inputs, targets


def put_together(batch: Any, inputs: Any, targets: Tensor) -> Any:
    """A batch of the same structure with other inputs and targets.

    >>> put_together([1, 2], 3, torch.tensor(4))
    [3, tensor(4)]
    """
    if isinstance(batch, Mapping):
        return {name: inputs.get(name, targets) for name in batch}
    values = [inputs, targets] if len(batch) == 2 else [*inputs, targets]
    if isinstance(batch, list):
        return values
    return type(batch)(*values) if hasattr(batch, "_fields") else tuple(values)


def shares(targets: Tensor, classes: int | None) -> Tensor:
    """Targets that can be mixed: class numbers become one-hot rows, real targets stay.

    **Shape**: (N,) -> (N, classes) for whole numbers; else as given.

    Raises:
        DataError: For class numbers without a number of classes, or beyond it.

    >>> shares(torch.tensor([1]), 3).tolist()
    [[0.0, 1.0, 0.0]]
    """
    if targets.is_floating_point():
        return targets
    if classes is None:
        raise DataError(
            "the targets are class numbers, and how many classes there are is not known",
            hint="say so: Mixup(0.2, classes=10)",
        )
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes or targets.dim() != 1:
        raise DataError(
            f"targets of shape {tuple(targets.shape)} from {low} to {high} are no {classes} classes"
        )
    return F.one_hot(targets.long(), classes).to(torch.get_default_dtype())


def real_tensors(inputs: Any, what: str) -> list[Tensor]:
    """The tensors of the inputs.

    Raises:
        DataError: If there are none, or one does not hold real numbers.
    """
    found = list(tensors_of(inputs))
    if not found or not all(tensor.is_floating_point() for tensor in found):
        kinds = ", ".join(str(tensor.dtype) for tensor in found) or "none"
        raise DataError(
            f"{what} mixes real inputs, and these are {kinds}",
            hint="convert images to float first; token numbers cannot be mixed",
        )
    return found


def _target_key(batch: Mapping[Any, Any]) -> str | None:
    return next((name for name in TARGET_KEYS if name in batch), None)
