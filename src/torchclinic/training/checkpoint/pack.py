"""Nested Python values as tensors and JSON, without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchclinic.core import CheckpointError

# Marks of what JSON does not have. A user's dict cannot be mistaken for one: it is written as
# pairs when it has such a key.
_TENSOR, _TUPLE, _PAIRS, _ARRAY = "$tensor", "$tuple", "$pairs", "$array"
_MARKS = frozenset({_TENSOR, _TUPLE, _PAIRS, _ARRAY})


def pack(value: Any) -> tuple[dict[str, Tensor], str]:
    """A nested value as named tensors and a JSON text that refers to them.

    Dicts, lists, tuples, tensors, numpy arrays, numbers, strings, booleans and None, nested as
    you like. Tensors are copied to the CPU, so that the value may change afterwards.

    Raises:
        CheckpointError: On any other type.

    >>> tensors, text = pack({"step": torch.tensor(3), "betas": (0.9, 0.999), 0: None})
    >>> unpack(tensors, text)
    {'step': tensor(3), 'betas': (0.9, 0.999), 0: None}
    """
    tensors: dict[str, Tensor] = {}
    return tensors, json.dumps(_encode(value, tensors, ""))


def unpack(tensors: Mapping[str, Tensor], text: str) -> Any:
    """The value that `pack` was given.

    Raises:
        KeyError: If a tensor is missing.
    """
    return _decode(json.loads(text), tensors)


def raw_bytes(tensor: Tensor) -> Any:
    """The memory of a CPU tensor, as a buffer of bytes.

    >>> raw_bytes(torch.tensor([1, 256], dtype=torch.int16)).tolist()
    [1, 0, 0, 1]
    """
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy()


def _encode(value: Any, tensors: dict[str, Tensor], path: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return _plain(value)
    if isinstance(value, Tensor):
        tensors[path] = value.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: path}
    if isinstance(value, np.ndarray):
        return {_ARRAY: _encode(torch.from_numpy(value.copy()), tensors, path)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return _encode_mapping(value, tensors, path)
    if isinstance(value, list | tuple):
        items = [_encode(item, tensors, f"{path}/{i}") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {_TUPLE: items}
    raise CheckpointError(
        f"a checkpoint cannot keep {path.strip('/')}, a {type(value).__name__}",
        hint="optimizer, schedule and module states are kept as tensors, numbers and strings",
    )


def _plain(value: Any) -> Any:
    """Without the subclass (an enum of strings, a float64 of numpy)."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _encode_mapping(value: Mapping[Any, Any], tensors: dict[str, Tensor], path: str) -> Any:
    if all(type(key) is str for key in value) and not _MARKS & value.keys():
        return {key: _encode(item, tensors, f"{path}/{key}") for key, item in value.items()}
    pairs = [
        [_encode(key, tensors, f"{path}/key{i}"), _encode(item, tensors, f"{path}/{i}")]
        for i, (key, item) in enumerate(value.items())
    ]
    return {_PAIRS: pairs}


def _decode(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _ARRAY in value:
        return _decode(value[_ARRAY], tensors).numpy()
    if _TUPLE in value:
        return tuple(_decode(item, tensors) for item in value[_TUPLE])
    if _PAIRS in value:
        return {_decode(k, tensors): _decode(v, tensors) for k, v in value[_PAIRS]}
    return {key: _decode(item, tensors) for key, item in value.items()}
