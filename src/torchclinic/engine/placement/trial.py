"""How long a step takes, alone and in a stack, by a few steps of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import quantiles

import torch
from torch import Tensor, nn

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.stacked.chunk import run_chunk
from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.mlp.dropout import Draws
from torchclinic.engine.stacked.network import Network
from torchclinic.engine.stacked.planning import StackGroup
from torchclinic.training import train

STEPS = 12  # of a trial at most
_WARM_UP = 2  # first steps, which allocate
_ENOUGH = 4  # intervals without which there is no telling


def alone(recipe: Recipe, seed: int, seconds: float) -> float | None:
    """Seconds that a step of a run takes by itself; None if it cannot be told in that time.

    Args:
        recipe: Of the run.
        seed: Of the run.
        seconds: That the trial may take.
    """
    clock = _Clock(recipe.device, seconds)

    def on_step(_step: int, _loss: Tensor) -> None:
        clock.tick()

    return clock.time(lambda: train(recipe, seed, on_step=on_step))


def in_a_stack(
    arms: Mapping[str, Recipe], group: StackGroup, cells: Sequence[Cell], seconds: float
) -> float | None:
    """Seconds that a step of a whole stack takes; None if it cannot be told in that time.

    Args:
        arms: Name -> recipe.
        group: The stack's group.
        cells: Its members.
        seconds: That the trial may take.
    """
    clock = _Clock(arms[cells[0][0]].device, seconds)

    def make(
        recipes: Sequence[Recipe], models: Sequence[nn.Module], mass: Mass, draws: Draws
    ) -> Network:
        return _Clocked(group.make(recipes, models, mass, draws), clock)

    return clock.time(
        lambda: run_chunk(cells, arms, group.blueprints, make, max_steps=None, test=False)
    )


class _EnoughError(Exception):
    """Ends a trial without its last evaluation."""


class _Clock:
    """Notes when steps are made, and ends the trial after enough of them or enough time."""

    def __init__(self, device: str, seconds: float) -> None:
        self._device = torch.device(device)
        self._ends = time.perf_counter() + seconds
        self._ticks: list[float] = []

    def tick(self) -> None:
        """A step is made."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        self._ticks.append(now)
        if len(self._ticks) > STEPS or now > self._ends:
            raise _EnoughError

    def time(self, work: Callable[[], object]) -> float | None:
        """Do the work; the lower quartile of the times between steps, which others disturb less."""
        try:
            work()
        except _EnoughError:
            pass
        except Exception:  # noqa: BLE001 - the run itself will tell of it
            return None
        ticks = self._ticks[_WARM_UP:]
        if len(ticks) <= _ENOUGH:
            return None
        waits = [b - a for a, b in pairwise(ticks)]
        return quantiles(waits, n=4)[0]


class _Clocked:
    """A network whose steps are timed."""

    def __init__(self, network: Network, clock: _Clock) -> None:
        self._network, self._clock = network, clock
        self.moves_itself = network.moves_itself

    def step(self, x: Tensor, y: Tensor, rate: Tensor | None = None) -> Tensor:
        """A step of the network within."""
        losses = self._network.step(x, y) if rate is None else self._network.step(x, y, rate)
        self._clock.tick()
        return losses
