"""The tensors inside whatever a model takes or returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

DEPTH = 6  # of nesting that is looked into; guards against structures that contain themselves


def tensors_in(value: Any, depth: int = DEPTH) -> Iterator[Tensor]:
    """All tensors of a nested structure, depth first: tuples, lists, dicts, dataclasses.

    Args:
        value: A tensor, a structure of tensors, or anything else, which holds none.
        depth: Levels that are looked into.

    >>> import torch
    >>> [t.item() for t in tensors_in({"a": torch.tensor(1), "b": [torch.tensor(2), "x"]})]
    [1, 2]
    """
    if isinstance(value, Tensor):
        yield value
    elif depth > 0:
        for part in _parts(value):
            yield from tensors_in(part, depth - 1)


def _parts(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return tuple(value.values())
    if isinstance(value, tuple | list):
        return tuple(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(getattr(value, field.name) for field in dataclasses.fields(value))
    return ()
