"""Batches of a DataLoader: its own sampler, collation and workers, but a reproducible order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset

from torchclinic.core import DataError
from torchclinic.data.dataset_batches import collate_rows, dataset_rows
from torchclinic.data.isolation import draw_seed, isolated
from torchclinic.data.order import SAMPLE_SEED, spread_rows
from torchclinic.data.stream_batches import check_batch, sample_stream


class LoaderBatches:
    """See `torchclinic.data.batches`.

    The loader is given a generator of its own for each epoch and is left as it was. Its samplers
    draw from that generator, or, if they insist on the global one, from an isolated state of it.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._loader = loader
        streams = isinstance(loader.dataset, IterableDataset)
        self.rows = None if streams else dataset_rows(loader.dataset)
        if not streams and len(loader) == 0:
            raise DataError(
                f"the DataLoader has 0 batches: {self.rows} rows, batch_size="
                f"{loader.batch_size}, drop_last={loader.drop_last}",
                hint="make the batch smaller or keep the last one",
            )

    def __len__(self) -> int:
        return len(self._loader)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Any]:
        """One pass."""
        own = generator if generator is not None else _fixed()
        seed = draw_seed(own)
        empty = True
        for batch in isolated(lambda: _lend(self._loader, seed), own, "the DataLoader"):
            if empty:
                check_batch(batch, "the DataLoader")
            empty = False
            yield batch
        if empty:
            raise DataError("the DataLoader delivered no batch", hint="check its data set")

    def sample(self, rows: int) -> Any:
        """Rows spread over what the sampler visits; the first batches of a stream."""
        index = self._indices()
        if index is None:
            return sample_stream(self.epoch(_fixed()), rows)
        chosen = [index[row] for row in spread_rows(len(index), rows).tolist()]
        loader = self._loader
        collated = lambda: [collate_rows(loader.dataset, chosen, loader.collate_fn)]  # noqa: E731
        return next(isolated(collated, _fixed()))

    def _indices(self) -> list[Any] | None:
        """Row numbers that the loader visits, in order; None where it cannot tell."""
        loader = self._loader
        plain = type(loader) is DataLoader and type(loader.batch_sampler) is BatchSampler
        if self.rows is None or not plain or not hasattr(loader.sampler, "__len__"):
            return None
        limit = len(loader.sampler)  # pyright: ignore[reportArgumentType]
        visited = islice(_lend_sampler(loader, SAMPLE_SEED), limit)
        return sorted(set(isolated(lambda: visited, _fixed()))) or None


def _lend(loader: DataLoader[Any], seed: int) -> Iterator[Any]:
    """Iterate a loader whose generators are ours while it works, and its own in between."""
    generator = torch.Generator().manual_seed(seed)
    with_ours = _Lent(loader, generator)
    with with_ours:
        iterator = iter(loader)
    while True:
        with with_ours:
            try:
                batch = next(iterator)
            except StopIteration:
                return
        yield batch


def _lend_sampler(loader: DataLoader[Any], seed: int) -> Iterator[Any]:
    with _Lent(loader, torch.Generator().manual_seed(seed)):
        visited: Iterable[Any] = list(loader.sampler)
    yield from visited


class _Lent:
    """Put a generator into a loader and its samplers, and take it out again."""

    def __init__(self, loader: DataLoader[Any], generator: torch.Generator) -> None:
        sampler, batch_sampler = loader.sampler, loader.batch_sampler
        inner = getattr(batch_sampler, "sampler", None)
        found = {id(o): o for o in (loader, sampler, batch_sampler, inner)}.values()
        self._holders = [holder for holder in found if hasattr(holder, "generator")]
        self._generator = generator
        self._kept: list[Any] = []

    def __enter__(self) -> None:
        self._kept = [getattr(holder, "generator") for holder in self._holders]  # noqa: B009
        for holder in self._holders:
            setattr(holder, "generator", self._generator)  # noqa: B010 - holders are untyped

    def __exit__(self, *_: object) -> None:
        for holder, kept in zip(self._holders, self._kept, strict=True):
            setattr(holder, "generator", kept)  # noqa: B010


def _fixed() -> torch.Generator:
    return torch.Generator().manual_seed(SAMPLE_SEED)
