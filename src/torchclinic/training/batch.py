"""What in a batch goes into the model and what into the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from torchclinic.core import DataError
from torchclinic.data.structure import tensors_of

TARGET_KEYS = ("label", "labels", "target", "targets", "y")


class Arguments(tuple[Any, ...]):
    """Inputs that are one positional argument of the model's forward each."""

    __slots__ = ()


def split_batch(batch: Any) -> tuple[Any, Any]:
    """Inputs and targets of a batch.

    A pair is (inputs, targets). Of a longer tuple the last is the target and the others are
    arguments of the forward. Of a dict the target is what stands under `label`, `labels`,
    `target`, `targets` or `y`, and the rest are inputs. Anything else has no targets: None.

    Raises:
        DataError: On an empty tuple.

    >>> split_batch((1, 2, 3))
    ((1, 2), 3)
    >>> split_batch({"x": 1, "y": 2})
    ({'x': 1}, 2)
    """
    if isinstance(batch, Mapping):
        return _split_mapping(batch)
    if not isinstance(batch, tuple | list):
        return batch, None
    if len(batch) == 2:
        return batch[0], batch[1]
    if not batch:
        raise DataError("a batch is an empty tuple", hint="a batch is (inputs, targets)")
    return (batch[0], None) if len(batch) == 1 else (Arguments(batch[:-1]), batch[-1])


def first_tensor(value: Any, prefer: tuple[str, ...] = ()) -> Tensor | None:
    """The first tensor of a nested structure, depth first.

    Args:
        value: A tensor, or tuples, lists and dicts of them.
        prefer: Keys of a dict to be looked under before all others.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Mapping):
        chosen = [value[key] for key in prefer if key in value]
        return _first_of([*chosen, *value.values()], prefer)
    return _first_of(list(value), prefer) if isinstance(value, tuple | list) else None


def describe(value: Any) -> str:
    """Shapes and types of a nested structure, for messages.

    >>> import torch
    >>> describe((torch.zeros(2, 3), {"n": torch.tensor(1)}))
    '((2, 3) float32, {n: () int64})'
    """
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {describe(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(describe(item) for item in value) + ")"
    return type(value).__name__


def all_finite(value: Any) -> bool:
    """Whether no tensor of a nested structure holds NaN or an infinity.

    >>> import torch
    >>> all_finite((torch.ones(2), torch.tensor([1, 2]))), all_finite(torch.tensor(float("nan")))
    (True, False)
    """
    return all(bool(tensor.isfinite().all()) for tensor in tensors_of(value))


def _split_mapping(batch: Mapping[Any, Any]) -> tuple[Any, Any]:
    key = next((name for name in TARGET_KEYS if name in batch), None)
    if key is None:
        return batch, None
    return {name: value for name, value in batch.items() if name != key}, batch[key]


def _first_of(values: list[Any], prefer: tuple[str, ...]) -> Tensor | None:
    found = (first_tensor(value, prefer) for value in values)
    return next((tensor for tensor in found if tensor is not None), None)
