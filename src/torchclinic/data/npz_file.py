"""Data sets in NumPy archives."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from torchclinic.core import DataError, Splits
from torchclinic.data.structure import as_tensors

INPUT_NAMES = ("x", "X", "inputs", "images", "data", "features")
TARGET_NAMES = ("y", "Y", "targets", "labels", "target", "label")
SPLIT_NAMES = {"train": "train", "validation": "val", "test": "test"}


def load_npz(path: str | Path) -> Splits:
    """Splits from an .npz archive; pickled objects in it are refused.

    Arrays are named `x_train`, `y_train` and, if there are such sets, `x_val`, `y_val` (or
    `x_validation`), `x_test`, `y_test`; or just `x` and `y`, which become the training set.
    Floats become float32 and class numbers int64.

    Args:
        path: The archive.

    Returns:
        Splits, named after the file.

    Raises:
        DataError: If it cannot be read, holds objects, or an array is missing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", x=np.zeros((3, 2)), y=np.array([0, 1, 1]))
    ...     load_npz(f"{folder}/a.npz").train[0].dtype
    torch.float32
    """
    arrays = _read(Path(path))
    parts = {name: _pair(arrays, (short, name)) for name, short in SPLIT_NAMES.items()}
    train = parts["train"] or _pair(arrays, ("",))
    if train is None:
        raise DataError(
            f"{path} holds the arrays {sorted(arrays)}",
            hint="name them x_train and y_train (x_test and y_test), or x and y",
        )
    return Splits(
        train=train, validation=parts["validation"], test=parts["test"], name=Path(path).stem
    )


def _read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(
                    f"{path} is a single array", hint="save with np.savez(path, x=, y=)"
                )
            return {name: archive[name] for name in archive.files}
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise DataError(
            f"{path} holds Python objects or is no archive: {error}",
            hint="save plain arrays of numbers with np.savez",
        ) from error


def _pair(
    arrays: Mapping[str, np.ndarray[Any, Any]], parts: tuple[str, ...]
) -> tuple[Tensor, Tensor] | None:
    inputs, targets = _pick(arrays, INPUT_NAMES, parts), _pick(arrays, TARGET_NAMES, parts)
    if inputs is None and targets is None:
        return None
    if inputs is None or targets is None:
        lost = "inputs" if inputs is None else "targets"
        raise DataError(f"the {parts[0] or 'training'} part has no {lost}: arrays {sorted(arrays)}")
    if len(inputs) != len(targets):
        raise DataError(f"{len(inputs)} rows of inputs but {len(targets)} of targets")
    return plain_tensor(inputs), plain_tensor(targets)


def _pick(
    arrays: Mapping[str, np.ndarray[Any, Any]], names: tuple[str, ...], parts: tuple[str, ...]
) -> np.ndarray[Any, Any] | None:
    for part in parts:
        for name in names:
            for key in (f"{name}_{part}", f"{part}_{name}") if part else (name,):
                if key in arrays:
                    return arrays[key]
    return None


def plain_tensor(array: np.ndarray[Any, Any]) -> Tensor:
    """A float32 tensor of real numbers or an int64 tensor of whole ones.

    >>> plain_tensor(np.array([1, 2], dtype=np.uint8)).dtype
    torch.int64
    """
    tensor = as_tensors(np.atleast_1d(array))
    return tensor.float() if tensor.is_floating_point() else tensor.long()
