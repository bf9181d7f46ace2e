"""Batches from anything that iterates, and one-shot generators made replayable."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sized
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from torchclinic.core import DataError
from torchclinic.data.isolation import isolated
from torchclinic.data.order import SAMPLE_SEED, spread_rows
from torchclinic.data.structure import bytes_of, join_batches, rows_of, take_rows, tensors_of

MATERIALISED_BYTES = 2**32  # a one-shot generator beyond this is endless or does not fit
SAMPLED_BATCHES = 64  # a stream is looked at this far for a sample


class StreamBatches:
    """See `torchclinic.data.batches`."""

    def __init__(self, source: Iterable[Any]) -> None:
        self._source = source
        if isinstance(source, Sized) and len(source) == 0:
            raise DataError(f"{source!r:.80} holds no batch")
        if isinstance(source, list):
            _check_list(source)
        self.rows = _count(source)

    def __len__(self) -> int:
        if not isinstance(self._source, Sized):
            raise TypeError(f"{type(self._source).__name__} does not say how many batches it has")
        return len(self._source)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Any]:
        """One pass, in the order of the source."""
        if isinstance(self._source, list):
            yield from self._source
            return
        own = generator or torch.Generator().manual_seed(SAMPLE_SEED)
        empty = True
        for batch in isolated(lambda: self._source, own, type(self._source).__name__):
            if empty:
                check_batch(batch, type(self._source).__name__)
            empty = False
            yield batch
        if empty:
            raise DataError(
                f"{type(self._source).__name__} delivered no batch",
                hint="an iterable must start anew each time it is iterated",
            )

    def sample(self, rows: int) -> Any:
        """Rows spread over the batches (of a stream: over the first ones)."""
        return sample_stream(self.epoch(), rows)


def sample_stream(stream: Iterable[Any], rows: int) -> Any:
    """Rows spread over the first batches of a stream.

    >>> sample_stream([torch.zeros(4, 1), torch.ones(4, 1)], 2).flatten().tolist()
    [0.0, 1.0]
    """
    seen: list[Any] = []
    count = 0
    for batch in islice(stream, max(SAMPLED_BATCHES, rows)):
        seen.append(batch)
        count += rows_of(batch) or 0
        if len(seen) >= SAMPLED_BATCHES and count >= rows:
            break
    whole = join_batches(seen)
    return take_rows(whole, spread_rows(rows_of(whole) or 0, rows))


def check_batch(batch: Any, source: str) -> None:
    """Raise DataError if a batch holds no tensor or no row."""
    if next(tensors_of(batch), None) is None:
        raise DataError(
            f"{source} delivered {batch!r:.80} of type {type(batch).__name__} as a batch",
            hint="a batch is a tensor, or a tuple or dict of tensors",
        )
    if rows_of(batch) == 0:
        raise DataError(
            f"{source} delivered an empty batch, with 0 rows", hint="leave such batches out"
        )


_replays: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
_kept_replays: dict[int, tuple[Any, list[Any]]] = {}  # for iterators without weak references


def replayable(source: Iterable[Any]) -> Iterable[Any]:
    """`source`, or, for an iterator that can be read only once, the list of what it held.

    The list is remembered for the iterator: a second call gets it again.

    Raises:
        DataError: If the iterator delivers more than fits in memory.

    >>> once = iter([torch.zeros(2)])
    >>> replayable(once) is replayable(once)
    True
    """
    if not isinstance(source, Iterator):
        return source
    try:
        known = _replays.get(source)
    except TypeError:  # no weak reference to it: it is kept as long as the process lives
        if id(source) not in _kept_replays:
            _kept_replays[id(source)] = (source, _materialise(source))
        return _kept_replays[id(source)][1]
    if known is None:
        known = _replays[source] = _materialise(source)
    return known


def _materialise(source: Iterator[Any]) -> list[Any]:
    found: list[Any] = []
    size = 0
    for batch in source:
        check_batch(batch, type(source).__name__)
        found.append(batch)
        size += bytes_of(batch)
        if size > MATERIALISED_BYTES:
            raise DataError(
                f"the {type(source).__name__} delivered {len(found)} batches of together "
                f"{size / 2**30:.1f} GiB and goes on",
                hint="give a DataLoader, or an object whose __iter__ starts anew",
            )
    if not found:
        raise DataError(
            f"the {type(source).__name__} is empty", hint="was it iterated before? give a list"
        )
    return found


def _check_list(source: list[Any]) -> None:
    for batch in source:
        check_batch(batch, type(source).__name__)
    kinds = {(b.dtype, b.shape[1:]) for b in source if isinstance(b, Tensor)}
    if len(kinds) > 1:
        shapes = [tuple(b.shape) for b in source if isinstance(b, Tensor)]
        raise DataError(
            f"a list of tensors of different kinds, shapes {shapes[:4]}",
            hint="a list holds batches; write tensors in memory as a tuple (inputs, targets)",
        )


def _count(source: Any) -> int | None:
    if not isinstance(source, list):
        return None
    return sum(rows_of(batch) or 0 for batch in source)
