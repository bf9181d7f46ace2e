"""Placement: the engine of a study, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Executor = Literal["sequential", "stacked", "ray"]


@dataclass(frozen=True)
class Placement:
    """Where a study runs.

    Attributes:
        engine: What executes its runs.
        why: One line.
        seconds: Wall time that the choice took.

    >>> print(Placement("sequential", "one run has nothing to share"))
    sequential: one run has nothing to share
    """

    engine: Executor
    why: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.engine}: {self.why}"
