"""Splits: the parts of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a data set. Each part is tensors, a Dataset, a DataLoader or batches.

    Two Splits are equal only when they are the same object: tensors have no one truth value.

    Attributes:
        train: What the optimizer sees.
        validation: What choices are made by (early stopping, the search for a repair).
        test: What the final verdict is made on; never used for a choice.
        name: Printed in reports.
        meta: Facts that a data set knows about itself (class names, image shape).
    """

    train: Any
    validation: Any = None
    test: Any = None
    name: str = "data"
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
