"""Training arms over the seeds of an experiment, and their curves as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from torchclinic.core import History, Recipe, Run, Series, TrainingError
from torchclinic.engine import run_arms
from torchclinic.gallery.settings import Settings


@dataclass(frozen=True)
class Curves:
    """What the runs of one arm leave, one row a seed.

    Attributes:
        name: The arm.
        runs: Its runs, by seed.
        steps: Optimizer updates at which the test part was evaluated, in all runs that came so far.
        loss: Test loss, shape (seeds, points); NaN after a run that ended early.
        metric: Test metric, likewise; NaN without a metric.
        train_loss: Training loss of each update, shape (seeds, updates).
    """

    name: str
    runs: tuple[Run, ...]
    steps: tuple[int, ...]
    loss: np.ndarray
    metric: np.ndarray
    train_loss: np.ndarray

    @property
    def final(self) -> tuple[float, ...]:
        """Last test metric by seed; NaN for a run that diverged."""
        return tuple(_last(run, "metric") for run in self.runs)

    @property
    def final_loss(self) -> tuple[float, ...]:
        """Last test loss by seed; NaN for a run that diverged."""
        return tuple(_last(run, "loss") for run in self.runs)

    def training(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Training loss, mean of `block` updates each; what is left over at the end is not shown.

        Args:
            block: Updates of a mean; below 1 it counts as 1.

        Returns:
            The last update of each block, and the means, of shape (seeds, blocks).
        """
        seeds, updates = self.train_loss.shape
        block = max(1, block)
        whole = updates // block * block
        means = self.train_loss[:, :whole].reshape(seeds, -1, block).mean(axis=2)
        return block * np.arange(1, whole // block + 1), means

    @property
    def models(self) -> tuple[Any, ...]:
        """The trained models by seed, if they were kept."""
        return tuple(run.model for run in self.runs)

    def series(self, quantity: Literal["loss", "metric"] = "metric") -> Series:
        """Mean curve over the seeds, for TensorBoard."""
        rows = self.metric if quantity == "metric" else self.loss
        return Series(self.steps, tuple(float(v) for v in rows.mean(axis=0)))


def train_arms(
    arms: Mapping[str, Recipe],
    settings: Settings,
    *,
    what: str = "training",
    start: float = 0.0,
    end: float = 1.0,
    keep_models: bool = False,
) -> dict[str, Curves]:
    """Train every arm with every seed of the settings, and evaluate it on the test part.

    Runs whose models agree are one batched computation; what cannot be is run alone.

    Args:
        arms: Name -> recipe; they pair by seed.
        settings: Seeds and progress.
        what: Said on the way.
        start: Share of the experiment's progress at which this begins.
        end: Share at which it ends.
        keep_models: Whether the trained models are wanted, too.

    Returns:
        Arm -> its curves, in the order of the arms.

    Raises:
        TrainingError: If a run fails; one that diverges does not.
    """
    told = settings.part(what, start, end)
    runs = run_arms(
        arms,
        settings.runs,
        engine="stacked",
        test=True,
        keep_models=keep_models,
        progress=told,
    )
    for results in runs.values():
        for result in results:
            if result.run is None:
                raise TrainingError(
                    f"arm {result.arm!r} with seed {result.seed} has no run: {result.error}"
                )
    return {
        name: curves(name, [r.run for r in results if r.run is not None])
        for name, results in runs.items()
    }


def curves(name: str, runs: Sequence[Run]) -> Curves:
    """The curves of some runs of one recipe, side by side."""
    histories = [run.history for run in runs]
    steps = _common_steps(histories)
    return Curves(
        name=name,
        runs=tuple(runs),
        steps=tuple(steps),
        loss=_table(histories, steps, "loss"),
        metric=_table(histories, steps, "metric"),
        train_loss=_padded([history.losses for history in histories]),
    )


def _common_steps(histories: Sequence[History]) -> list[int]:
    """Where all runs were evaluated that came so far; a run that broke off has its own last one."""
    evaluated = [{step for step, _ in history.curve("test")} for history in histories]
    steps = set().union(*evaluated)
    return sorted(
        step
        for step in steps
        if all(step in own for own in evaluated if max(own, default=0) >= step)
    )


def _table(
    histories: Sequence[History], steps: Sequence[int], quantity: Literal["loss", "metric"]
) -> np.ndarray:
    table = np.full((len(histories), len(steps)), np.nan)
    place = {step: column for column, step in enumerate(steps)}
    for row, history in enumerate(histories):
        for step, value in history.curve("test", quantity):
            if step in place:
                table[row, place[step]] = value
    return table


def _padded(rows: Sequence[Sequence[float]]) -> np.ndarray:
    longest = max((len(row) for row in rows), default=0)
    table = np.full((len(rows), longest), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _last(run: Run, quantity: Literal["loss", "metric"]) -> float:
    curve = run.history.curve("test", quantity)
    return float("nan") if run.history.ending == "diverged" or not curve else curve[-1][1]
