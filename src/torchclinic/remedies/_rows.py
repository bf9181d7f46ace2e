"""A few rows of training data of any kind, without leaving a trace in it.

Remedies lean on building blocks only, so this is their own small look at the data: it takes the
same kinds as `torchclinic.data.batches` and leaves every generator and sampler as it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

from torchclinic.graph import tensors_in

ROWS = 64
STATISTICS_ROWS = 4096  # the mean is then known to 1/64 of a standard deviation
ELEMENTS = 2**22  # of the inputs: fewer rows are taken where a row is large


def some_rows(source: Any, wanted: int) -> Any | None:
    """Up to `wanted` finite rows spread over the data, copies; None for a one-shot iterator.

    >>> some_rows((torch.arange(100.0).reshape(50, 2), torch.arange(50)), 2)[1].tolist()
    [0, 49]
    """
    with preserved():
        batch = _rows(source, wanted)
    return map_tensors(lambda tensor: tensor.detach().clone(), _finite(batch))


def statistics_rows(source: Any) -> Any | None:
    """The rows that statistics of the training data are taken over: all that lie in memory.

    Of a Dataset or a DataLoader up to `STATISTICS_ROWS` rows spread over it, of other iterables
    the first batch, of a one-shot iterator None.
    """
    if isinstance(source, TensorDataset):
        return source.tensors
    if isinstance(source, Tensor | np.ndarray | Mapping | tuple):
        return _as_tensors(source)
    return some_rows(source, STATISTICS_ROWS)


def map_tensors(function: Callable[[Tensor], Any], value: Any) -> Any:
    """Apply `function` to every tensor of nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        return {key: map_tensors(function, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [map_tensors(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def first_tensor(value: Any) -> Tensor | None:
    """The first tensor of a nested structure, depth first; None without one."""
    if isinstance(value, Tensor):
        return value
    items = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping | tuple | list):
        return None
    return next((t for t in map(first_tensor, items) if t is not None), None)


@contextmanager
def preserved() -> Iterator[None]:
    """Whatever is drawn inside, the global generators are as before on exit."""
    numpy = np.random.get_state()
    python = random.getstate()
    with torch.random.fork_rng(enabled=True):
        try:
            yield
        finally:
            np.random.set_state(numpy)
            random.setstate(python)


def _rows(source: Any, wanted: int) -> Any | None:
    if isinstance(source, TensorDataset):
        return _rows(source.tensors, wanted)
    if isinstance(source, Tensor | np.ndarray | Mapping | tuple):
        return _indexed(source, wanted)
    if isinstance(source, DataLoader):
        return _of_loader(source, wanted)
    if isinstance(source, Dataset) and not isinstance(source, IterableDataset):
        return _collated(source, default_collate, wanted)
    return _first_batch(source, wanted)


def _indexed(source: Any, wanted: int) -> Any:
    tensors = _as_tensors(source)
    first = first_tensor(tensors)
    if first is None or first.dim() == 0:
        return tensors
    index = _spread(first.shape[0], _affordable(first, wanted))
    return map_tensors(lambda t: t[index.to(t.device)] if t.dim() else t, tensors)


def _of_loader(loader: DataLoader[Any], wanted: int) -> Any | None:
    if isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
        return _first_batch(loader, wanted)
    return _collated(loader.dataset, loader.collate_fn, wanted)


def _collated(dataset: Any, collate: Callable[[list[Any]], Any], wanted: int) -> Any:
    rows = len(dataset)
    first = first_tensor(collate([dataset[0]]))
    if first is not None:
        wanted = _affordable(first, wanted)
    return collate([dataset[int(row)] for row in _spread(rows, wanted)])


def _first_batch(source: Any, wanted: int) -> Any | None:
    iterator = iter(source)
    if iterator is source:
        return None
    batch = next(iterator, None)
    return None if batch is None else _indexed_head(batch, wanted)


def _indexed_head(batch: Any, wanted: int) -> Any:
    tensors = _as_tensors(batch)
    first = first_tensor(tensors)
    rows = wanted if first is None or first.dim() == 0 else _affordable(first, wanted)
    return map_tensors(lambda t: t[:rows] if t.dim() else t, tensors)


def _finite(batch: Any) -> Any:
    """The rows without NaN and infinities, if there are any."""
    first = first_tensor(batch)
    if first is None or first.dim() == 0:
        return batch
    kept = torch.ones(first.shape[0], dtype=torch.bool)
    for leaf in tensors_in(batch):
        if leaf.dim() > 0 and leaf.shape[0] == first.shape[0]:
            kept &= leaf.detach().isfinite().reshape(leaf.shape[0], -1).all(1).cpu()
    if bool(kept.all()) or not bool(kept.any()):
        return batch
    return map_tensors(
        lambda t: t[kept.to(t.device)] if t.shape[:1] == first.shape[:1] else t, batch
    )


def _affordable(tensor: Tensor, wanted: int) -> int:
    row = max(1, tensor[:1].numel())
    return max(2, min(wanted, ELEMENTS * max(1, wanted // ROWS) // row))


def _spread(rows: int, wanted: int) -> Tensor:
    return torch.linspace(0, rows - 1, min(rows, wanted), dtype=torch.float64).round().long()


def _as_tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value).copy())
    if isinstance(value, Mapping):
        return {key: _as_tensors(item) for key, item in value.items()}
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)(_as_tensors(item) for item in value)
    return value
