"""Metric: the number by which a run is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A number by which a run is judged: `function(outputs, targets) -> float` over a whole split.

    Attributes:
        name: Printed in tables.
        function: Gets all outputs and all targets of a split, concatenated.
        higher_is_better: Direction of improvement.
    """

    name: str
    function: Callable[[Any, Any], float]
    higher_is_better: bool = True
