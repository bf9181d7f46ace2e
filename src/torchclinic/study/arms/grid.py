"""grid: an arm for every combination of values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from torchclinic.core import Recipe, UsageError
from torchclinic.study.arms.arm import Arm
from torchclinic.study.arms.variants import label, variants

MOST_ARMS = 1000  # more is a slip of the pen: 1000 arms x 10 seeds are 10,000 trainings


def grid(
    recipe: Recipe, axes: Mapping[str, Iterable[Any]] | None = None, **more: Iterable[Any]
) -> Mapping[str, Arm]:
    """Arms for every combination of the values of some fields.

    Args:
        recipe: The base.
        axes: Dotted name of a field (see `changed`) -> the values it takes.
        **more: The same for fields whose names have no dot.

    Returns:
        Name ("lr=0.1 batch_size=32") -> arm; the last axis varies fastest.

    Raises:
        UsageError: When an axis leads nowhere, is empty, or has a value twice.

    >>> from functools import partial
    >>> from torch.optim import SGD
    >>> base = Recipe(model=list, data=[], loss=min, optimizer=partial(SGD, lr=0.1), steps=1)
    >>> list(grid(base, {"optimizer.lr": [0.1, 1.0]}, batch_size=[8, 16]))
    ['lr=0.1 batch_size=8', 'lr=0.1 batch_size=16', 'lr=1.0 batch_size=8', 'lr=1.0 batch_size=16']
    """
    values = {path: _values(path, axis) for path, axis in {**(axes or {}), **more}.items()}
    if not values:
        raise UsageError("the grid has no axes", hint='grid(recipe, {"optimizer.lr": [0.1, 0.01]})')
    total = 1
    for axis in values.values():
        total *= len(axis)
    if total > MOST_ARMS:
        raise UsageError(
            f"the grid has {total} arms", hint=f"at most {MOST_ARMS}; thin out its axes"
        )
    points = [
        dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())
    ]
    names = [label(point) for point in points]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(
            f"two arms of the grid are called {twice!r}", hint="a value occurs twice in an axis"
        )
    return variants(recipe, dict(zip(names, points, strict=True)))


def _values(path: str, axis: Iterable[Any]) -> list[Any]:
    if isinstance(axis, str) or not isinstance(axis, Iterable):
        raise UsageError(f"axis {path!r} is {axis!r}", hint="a list of values")
    found = list(axis)
    if not found:
        raise UsageError(f"axis {path!r} has no values", hint="give one or more")
    return found
