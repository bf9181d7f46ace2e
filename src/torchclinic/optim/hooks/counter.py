"""A count of updates that is saved with the optimizer."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer


def count(optimizer: Optimizer, name: str) -> int:
    """How often `advance` was called under this name; lives in the first parameter group."""
    return int(_group(optimizer).get(name, 0))


def advance(optimizer: Optimizer, name: str) -> None:
    """Count one more."""
    _group(optimizer)[name] = count(optimizer, name) + 1


def _group(optimizer: Optimizer) -> dict[str, Any]:
    return optimizer.param_groups[0]
