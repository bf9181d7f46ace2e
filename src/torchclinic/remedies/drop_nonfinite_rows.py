"""Leave out rows with NaN or infinite values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from torchclinic.core import Case, Change, DataError, NotApplicable, Recipe, Splits
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register


@register
class DropNonfiniteRows(BaseRemedy):
    """Drop every row of data in memory in which an input or a target is not finite.

    All parts are cleaned: a row that holds NaN can neither be learned nor be judged.
    """

    name = "drop-nonfinite-rows"
    title = "Rows with NaN or infinite values dropped"
    reason = "one NaN in a batch turns the loss, every gradient and then every weight into NaN"
    source = "IEEE 754: an operation with a NaN gives a NaN"
    place = Place.DATA

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to tensors and arrays that hold such a value, and rows without one."""
        train = recipe.splits.train
        if _tensors(train) is None:
            return NotApplicable(f"rows can only be dropped in memory, not in a {_kind(train)}")
        dropped = 0
        for name in ("train", "validation", "test"):
            part = getattr(recipe.splits, name)
            finite = None if part is None or _tensors(part) is None else finite_rows(part)
            if finite is None:
                continue
            if not bool(finite.any()):
                return NotApplicable(
                    f"every row of the {name} part holds a value that is not finite: "
                    "look for a whole column of them"
                )
            dropped += int((~finite).sum())
        if not dropped:
            return NotApplicable("all values are finite")
        return self.change(
            _drop, _CODE, title=f"{dropped} rows with NaN or infinite values dropped"
        )


def finite_rows(source: Any) -> Tensor:
    """Which rows hold finite values only.

    >>> finite_rows((torch.tensor([[1.0], [float("nan")]]), torch.zeros(2))).tolist()
    [True, False]
    """
    leaves = [leaf for leaf in _leaves(_tensors(source)) if leaf.dim() > 0]
    if not leaves or any(leaf.shape[0] != leaves[0].shape[0] for leaf in leaves):
        raise DataError("the tensors have no common number of rows")
    finite = torch.ones(leaves[0].shape[0], dtype=torch.bool)
    for leaf in leaves:
        finite &= leaf.isfinite().reshape(leaf.shape[0], -1).all(1).cpu()
    return finite


def _drop(recipe: Recipe) -> Recipe:
    if not isinstance(recipe.data, Splits):
        return recipe.replace(data=_kept(recipe.data))
    parts = {name: _kept(getattr(recipe.data, name)) for name in ("train", "validation", "test")}
    return recipe.replace(data=dataclasses.replace(recipe.data, **parts))


def _kept(source: Any) -> Any:
    if source is None or _tensors(source) is None:
        return source
    finite = finite_rows(source)
    if isinstance(source, TensorDataset):
        return TensorDataset(*(tensor[finite.to(tensor.device)] for tensor in source.tensors))
    return _chosen(source, finite)


def _chosen(value: Any, rows: Tensor) -> Any:
    if isinstance(value, Tensor):
        return value[rows.to(value.device)] if value.dim() else value
    if isinstance(value, np.ndarray):
        return value[rows.numpy()] if value.ndim else value
    if isinstance(value, Mapping):
        return {key: _chosen(item, rows) for key, item in value.items()}
    items = [_chosen(item, rows) for item in value]
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def _tensors(source: Any) -> Any | None:
    """What lies in memory: tensors or arrays in tuples and dicts; None for anything else."""
    if isinstance(source, TensorDataset):
        return source.tensors
    if not isinstance(source, Tensor | np.ndarray | tuple | Mapping):
        return None
    try:
        return source if next(_leaves(source), None) is not None else None
    except DataError:
        return None


def _leaves(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, np.ndarray):
        yield torch.from_numpy(np.ascontiguousarray(value).copy())
    elif isinstance(value, Mapping | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(item)
    else:
        raise DataError(f"{type(value).__name__} is no tensor")


def _kind(source: Any) -> str:
    return type(source).__name__


_CODE = """
import torch

finite = torch.isfinite(train_inputs.reshape(len(train_inputs), -1)).all(1)
finite &= torch.isfinite(train_targets.reshape(len(train_targets), -1)).all(1)
train_inputs, train_targets = train_inputs[finite], train_targets[finite]
"""
