"""Batches as nested structures of tensors: walk, map, index and join them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchclinic.core import DataError


def map_tensors(function: Callable[[Tensor], Any], batch: Any) -> Any:
    """Apply `function` to every tensor of a nested tuple, list or dict; keep everything else.

    >>> map_tensors(lambda t: t.numel(), {"x": torch.zeros(2, 3), "name": "a"})
    {'x': 6, 'name': 'a'}
    """
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        return {key: map_tensors(function, value) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        return _rebuild(batch, [map_tensors(function, value) for value in batch])
    return batch


def tensors_of(batch: Any) -> Iterator[Tensor]:
    """All tensors of a nested structure, depth first.

    >>> [t.shape[0] for t in tensors_of((torch.zeros(2), {"y": torch.zeros(3)}))]
    [2, 3]
    """
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from tensors_of(value)
    elif isinstance(batch, tuple | list):
        for value in batch:
            yield from tensors_of(value)


def rows_of(batch: Any) -> int | None:
    """Leading dimension of the first tensor that has one; None without such a tensor.

    >>> rows_of((torch.zeros(4, 2), torch.zeros(4)))
    4
    """
    return next((t.shape[0] for t in tensors_of(batch) if t.dim() > 0), None)


def bytes_of(batch: Any) -> int:
    """Memory that the tensors of a batch take.

    >>> bytes_of((torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64)))
    64
    """
    return sum(t.numel() * t.element_size() for t in tensors_of(batch))


def take_rows(batch: Any, rows: Tensor) -> Any:
    """The given rows of every tensor that has a leading dimension.

    >>> take_rows(torch.tensor([10, 20, 30]), torch.tensor([2, 0])).tolist()
    [30, 10]
    """

    def select(tensor: Tensor) -> Tensor:
        return tensor.index_select(0, rows.to(tensor.device)) if tensor.dim() > 0 else tensor

    return map_tensors(select, batch)


def join_batches(batches: Sequence[Any]) -> Any:
    """One batch with the rows of all; what is not a tensor comes from the first.

    Raises:
        DataError: Where the batches differ in more than their rows.

    >>> join_batches([(torch.zeros(2, 3),), (torch.zeros(1, 3),)])[0].shape
    torch.Size([3, 3])
    """
    first = batches[0]
    if isinstance(first, Tensor):
        return _join_tensors(batches)
    if isinstance(first, Mapping):
        return {key: join_batches([batch[key] for batch in batches]) for key in first}
    if isinstance(first, tuple | list):
        return _rebuild(first, [join_batches(column) for column in zip(*batches, strict=True)])
    return first


def as_tensors(source: Any) -> Any:
    """A nested tuple or dict in which numpy arrays became tensors (sharing their memory).

    Raises:
        DataError: On a leaf that is neither.

    >>> as_tensors((np.zeros(3, dtype=np.float32),))[0].dtype
    torch.float32
    """
    if isinstance(source, Tensor):
        return source.clone() if source.is_inference() else source.detach()
    if isinstance(source, np.ndarray):
        return _from_numpy(source)
    if isinstance(source, Mapping):
        return {key: as_tensors(value) for key, value in source.items()}
    if isinstance(source, tuple):
        return _rebuild(source, [as_tensors(value) for value in source])
    raise DataError(
        f"in-memory data holds {source!r:.80} of type {type(source).__name__}",
        hint="a tuple or dict in memory holds tensors or numpy arrays only",
    )


def batch_to(batch: Any, device: torch.device | str) -> Any:
    """Move every tensor of a batch to `device`; a batch that is there already is not copied.

    >>> batch_to({"x": torch.zeros(2)}, "cpu")["x"].device.type
    'cpu'
    """
    target = torch.device(device)
    return map_tensors(lambda tensor: tensor.to(target, non_blocking=True), batch)


def _rebuild(like: tuple[Any, ...] | list[Any], values: list[Any]) -> Any:
    if isinstance(like, list):
        return values
    fields = getattr(like, "_fields", None)
    return type(like)(*values) if fields else tuple(values)


def _join_tensors(tensors: Sequence[Tensor]) -> Tensor:
    if tensors[0].dim() == 0:
        return tensors[0]
    shapes = {tuple(t.shape[1:]) for t in tensors}
    if len(shapes) > 1:
        raise DataError(
            f"batches differ in the shape of a row: {sorted(shapes)}",
            hint="pad the rows to one length",
        )
    return torch.cat(list(tensors))


def _from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"an array has dtype {array.dtype}", hint="numbers only: convert it to float32 or int64"
        )
    if not array.flags.writeable or not array.flags.c_contiguous:
        array = array.copy()
    return torch.from_numpy(array)
