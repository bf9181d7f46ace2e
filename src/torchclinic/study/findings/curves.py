"""The curves of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torchclinic.core import History, StudyCurve
from torchclinic.core.history import SplitName
from torchclinic.engine import ArmRun

MOST_POINTS = 200  # of the training loss: more cannot be told apart in a picture

_SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


def curves_of(results: Sequence[ArmRun]) -> tuple[StudyCurve, ...]:
    """All curves of some runs: evaluations, and the training loss where it was not evaluated."""
    return tuple(curve for result in results for curve in _curves(result))


def _curves(result: ArmRun) -> Iterator[StudyCurve]:
    if result.run is None:
        return
    history = result.run.history
    for split in _SPLITS:
        for quantity in ("loss", "metric"):
            points = history.curve(split, quantity)
            if split == "train" and quantity == "loss" and not points:
                points = training_loss(history)
            if points and (len(points) > 1 or split != "test"):
                yield StudyCurve(result.arm, result.seed, split, quantity, points)


def training_loss(history: History, most: int = MOST_POINTS) -> tuple[tuple[int, float], ...]:
    """(step, mean loss of the steps since the point before) at no more than `most` steps.

    >>> training_loss(History(losses=(4.0, 2.0, 1.0, 1.0)), most=2)
    ((2, 3.0), (4, 1.0))
    """
    losses = history.losses
    width = max(1, math.ceil(len(losses) / most))
    starts = range(0, len(losses), width)
    parts = (losses[start : start + width] for start in starts)
    return tuple(
        (start + len(part), _mean(part)) for start, part in zip(starts, parts, strict=True)
    )


def _mean(values: Sequence[float]) -> float:
    """The mean; NaN or infinite as soon as one value is."""
    return sum(value / len(values) for value in values)
