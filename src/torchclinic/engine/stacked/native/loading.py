"""The compiled kernels, loaded and tried, or nothing."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from torchclinic.engine.stacked.native.compiling import (
    compile_library,
    library_file,
    ours,
    switched_off,
)

Function = Callable[..., None]
TYPES: Mapping[torch.dtype, str] = {torch.float32: "float32", torch.float64: "float64"}
_LONG, _POINTER = ctypes.c_long, ctypes.c_void_p
_REAL = ctypes.c_double
_UPDATE = (
    *(_LONG, _LONG, _POINTER, _LONG, _POINTER, _POINTER, _LONG),
    *(_POINTER, _POINTER, _POINTER, _LONG, _REAL, _LONG),
)
_NORM = (_LONG, _LONG, _LONG, _POINTER, _POINTER, _POINTER, _LONG, _REAL)
_NORM_BACK = (*[_LONG] * 3, *[_POINTER] * 3, _LONG, *[_POINTER] * 4)
UPDATES = ("sgd", "adagrad", "adadelta", "rmsprop", "adam", "nadam", "radam", "adabelief")
_SIGNATURES: Mapping[str, Sequence[Any]] = {
    "dot": (*[_LONG] * 4, *[_POINTER, _LONG] * 4),
    "spread": (*[_LONG] * 4, _POINTER, *[_LONG] * 3, *[_POINTER, _LONG] * 2, ctypes.c_int),
    "batch_norm": (*_NORM, *[_POINTER] * 5),
    "batch_norm_back": _NORM_BACK,
    "layer_norm": (*_NORM, *[_POINTER] * 3),
    "layer_norm_back": _NORM_BACK,
    **dict.fromkeys(UPDATES, _UPDATE),
}

_loaded: dict[tuple[str, torch.dtype], Function] = {}
_state = {"tried": False}


def prepare(*, compile_now: bool) -> bool:
    """Load the kernels if they are there; whether they may be used.

    Args:
        compile_now: Whether to compile them, where that has not been done on this machine: it
            takes a few seconds once.
    """
    if _loaded or switched_off():
        return bool(_loaded)
    try:
        file = library_file()
    except (OSError, RuntimeError):  # no home directory, or a source that is not there
        return False
    if not file.exists() and not (compile_now and not _state["tried"] and compile_library(file)):
        _state["tried"] = _state["tried"] or compile_now
        return False
    if ours(file):
        _load(file.as_posix())
    return bool(_loaded)


def available(like: Tensor) -> bool:
    """Whether there are kernels for tensors of this kind."""
    return like.device.type == "cpu" and ("dot", like.dtype) in _loaded


def function(name: str, dtype: torch.dtype) -> Function:
    """A kernel."""
    return _loaded[name, dtype]


def _load(path: str) -> None:
    try:
        library = ctypes.CDLL(path)
        for dtype, suffix in TYPES.items():
            for name, arguments in _SIGNATURES.items():
                found = getattr(library, f"{name}_{suffix}")
                found.argtypes, found.restype = arguments, None
                _loaded[name, dtype] = found
    except (OSError, AttributeError):
        _loaded.clear()
        return
    from torchclinic.engine.stacked.native.trying import right

    if not right():
        _loaded.clear()
