"""Columns and rows: numbers that were read, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from torch import Tensor

from torchclinic.probes.probe import Probe
from torchclinic.watch.target import Target

# Numbers as they come: from a CPU at once, from another device when they are fetched.
Values = np.ndarray | Sequence[float] | Tensor


class Role(Enum):
    """What a part of a row holds."""

    LAYER = "statistics of layers"
    OUTPUT_GRADIENT = "norms of gradients at outputs"
    GRADIENT = "norms of parameter gradients"
    WEIGHT = "norms of weights"
    UPDATE = "norms of weight updates"


@dataclass(frozen=True, eq=False)
class Columns:
    """The meaning of each number of a part; compared by identity, so that it is a cheap key.

    Attributes:
        role: What the part holds.
        numbers: For LAYER and OUTPUT_GRADIENT the number of the target, -1 for a value without
            meaning; for the others the number of the parameter.
        statistics: For LAYER the statistic of each number.
        sizes: For norms the number of elements that each is over.
    """

    role: Role
    numbers: tuple[int, ...]
    statistics: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """Columns of several parts for layers, side by side."""
        return cls(
            Role.LAYER,
            tuple(number for part in parts for number in part.numbers),
            tuple(statistic for part in parts for statistic in part.statistics),
        )


class Row:
    """The numbers of one step, in parts that come one after the other.

    Args:
        step: Its number.
    """

    __slots__ = ("columns", "step", "values")

    def __init__(self, step: int) -> None:
        self.step = step
        self.columns: list[Columns] = []
        self.values: list[Values] = []

    def add(self, columns: Columns, values: Values) -> None:
        """Add a part."""
        self.columns.append(columns)
        self.values.append(values)


def probe_columns(probe: Probe, targets: Sequence[Target]) -> Columns | None:
    """Columns of a probe over several layers; None if it can be read at none of them."""
    numbers = tuple(
        -1 if probe.name in target.failed or probe.why_not(target.probed()) else target.index
        for target in targets
    )
    if all(number < 0 for number in numbers):
        return None
    return Columns(Role.LAYER, numbers, (probe.name,) * len(numbers))
