"""Does a row stay what it is when it is read again?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from torchclinic.clinic.preflight.sampling import first_input
from torchclinic.core.errors import TorchclinicError
from torchclinic.data import Augmented
from torchclinic.data.batches import in_memory
from torchclinic.data.dataset_batches import collate_rows, dataset_rows
from torchclinic.data.isolation import isolated
from torchclinic.data.order import spread_rows
from torchclinic.training import preserved

ROWS = 24
TIMES = 4
FEWEST = 8  # rows: that all of them rise (or fall) four times has a chance of 24^-8


@dataclass(frozen=True)
class Rereading:
    """What several readings of the same rows of a Dataset show.

    Attributes:
        rows: Rows read.
        sizes: Root mean square at each reading with the random numbers held, where every row
            grew or every row shrank from each reading to the next; else ().
        noise: Mean variance of an element from reading to reading, random numbers let go.
        variance: Variance of the elements of a reading.
    """

    rows: int
    sizes: tuple[float, ...]
    noise: float
    variance: float


def reread(source: Any) -> Rereading | None:
    """Read a few rows again and again; None for data that is not read row by row.

    Args:
        source: A part of the data. A Dataset or a DataLoader over one is asked for rows.
    """
    while isinstance(source, Augmented):
        source = source.source
    if in_memory(source) is not None:
        return None
    loader = source if isinstance(source, DataLoader) else None
    dataset = loader.dataset if loader is not None else source
    if not isinstance(dataset, Dataset) or isinstance(dataset, IterableDataset):
        return None
    collate = default_collate if loader is None else loader.collate_fn
    try:
        with preserved():
            return _compared(dataset, collate)
    except (TorchclinicError, IndexError, KeyError):
        return None


def _compared(dataset: Dataset[Any], collate: Any) -> Rereading | None:
    chosen = spread_rows(dataset_rows(dataset), ROWS).tolist()

    def read(seed: int) -> Tensor | None:
        own = torch.Generator().manual_seed(seed)
        batch = next(isolated(lambda: [collate_rows(dataset, chosen, collate)], own))
        found = first_input(batch)
        if found is None or not found.is_floating_point() or len(found) != len(chosen):
            return None
        return found.detach().cpu().double().reshape(len(found), -1).clone()

    held = [read(0) for _ in range(TIMES)]
    if any(reading is None for reading in held):
        return None
    rows = [reading for reading in held if reading is not None]
    if len({reading.shape for reading in rows}) > 1 or not rows[0].numel():
        return None
    sizes = torch.stack([reading.square().mean(1).sqrt() for reading in rows])
    loose = [reading for reading in (read(1), read(2)) if reading is not None]
    if len(loose) < 2 or loose[0].shape != loose[1].shape:
        return None
    noise = float((loose[0] - loose[1]).square().mean()) / 2
    variance = (float(loose[0].var(correction=0)) + float(loose[1].var(correction=0))) / 2
    if not (math.isfinite(noise) and math.isfinite(variance)):
        return Rereading(len(chosen), _one_way(sizes), 0.0, 0.0)
    return Rereading(len(chosen), _one_way(sizes), noise, variance)


def _one_way(sizes: Tensor) -> tuple[float, ...]:
    """Sizes at each reading, where all rows go one way; rows that are all zero do not count.

    **Shape**: (readings, rows).
    """
    alive = sizes[:, sizes.amax(0) > 0]
    steps = alive.diff(dim=0)
    moved = alive.shape[1] >= FEWEST and len(alive) == TIMES
    if not moved or not (bool((steps > 0).all()) or bool((steps < 0).all())):
        return ()
    return tuple(alive.square().mean(1).sqrt().tolist())
