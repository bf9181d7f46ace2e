"""One run of a stack: everything about it but the computation of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from torchclinic.core import Recipe, Run
from torchclinic.data import Batches
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.kept import weights_of
from torchclinic.engine.outcome import Outcome, attempt
from torchclinic.engine.stacked.optimizers import numbers_of
from torchclinic.engine.stacked.recorder import BulkRecorder
from torchclinic.training.evaluations import Evaluations
from torchclinic.training.plan import length
from torchclinic.training.rng import seeded, stream_seed
from torchclinic.training.train import _begin, _history, _loop


class Member:
    """A run with its model, schedule, curves and selection, as `train` would set them up.

    The model's parameters become views of the stack's; its evaluations, its schedule, its early
    stopping and its end are those of the training loop, told of many steps at once.

    Args:
        cell: Arm and seed.
        recipe: The arm's.
        data: Its training batches; only their number counts here.
        evaluations: What is evaluated, shared by all seeds of the arm.
        max_steps: Ends the run after so many updates.
        keep_model: Whether the run has its model's weights.

    Attributes:
        generator: Stands where the training's own random stream would, for dropout.
        seconds: Its share of the time that the stack has computed.
        outcome: How it ended; None while it goes on.
    """

    def __init__(
        self,
        cell: Cell,
        recipe: Recipe,
        data: Batches,
        evaluations: Evaluations,
        max_steps: int | None,
        *,
        keep_model: bool = False,
    ) -> None:
        self.cell = cell
        self.recipe = recipe
        self.seconds = 0.0
        self._keep_model = keep_model
        self.outcome: Outcome | None = None
        seed = cell[1]
        with seeded(stream_seed(seed, "training")):
            self._full = length(recipe, data)
            has_validation = evaluations.has_validation
            self.run = _begin(recipe, seed, self._full, has_validation=has_validation)
            state = torch.get_rng_state()
        self.recorder = self.run.recorder = BulkRecorder()
        self._evaluations = evaluations
        self._loop = _loop(recipe, self.run, data, evaluations, self._full, max_steps)
        self.generator = self._stream(state)
        self._stepped = False

    @property
    def model(self) -> nn.Module:
        """The run's model."""
        return self.run.model

    @property
    def schedule_per_step(self) -> bool:
        """Whether a schedule sets new rates at each step."""
        return self.run.schedule is not None and self.run.schedule.per_step

    def start(self) -> None:
        """Look at whether there is anything to do."""
        self._guarded(self._loop._check_end)

    def steps_to_event(self) -> int:
        """Updates until something but updates is to be done, at least 1."""
        step, cadence = self.run.step, self._loop._cadence
        ahead = [self._loop._limit - step]
        if cadence.steps is not None:
            ahead.append(cadence.steps - step % cadence.steps)
        return max(1, int(min(ahead))) if min(ahead) < float("inf") else 2**31

    def options(self, names: tuple[str, ...], group: int, count: int) -> list[list[float]]:
        """Options of an optimizer group at each of the next steps, without stepping anything."""
        return [numbers_of(self.run.optimizer.param_groups[group], names)] * count

    def scheduled(
        self, names: tuple[tuple[str, ...], ...], count: int
    ) -> tuple[list[list[list[float]]], list[float]]:
        """Options of every group, and the rate that is recorded, at each of the next steps.

        The schedule, if it goes by steps, is stepped as often.

        Returns:
            Options by step and group, and the rates.
        """
        groups = self.run.optimizer.param_groups
        values: list[list[list[float]]] = []
        rates: list[float] = []
        for _ in range(count):
            if not values or self.schedule_per_step:
                present = [numbers_of(g, n) for g, n in zip(groups, names, strict=True)]
            else:
                present = values[-1]
            values.append(present)
            rates.append(float(groups[0].get("lr", float("nan"))))
            if self.schedule_per_step:
                self._step_schedule()
        return values, rates

    def record(self, losses: list[float], rates: list[float], norms: list[float]) -> None:
        """Take note of steps, and do what the training loop does after the last of them."""
        self.recorder.extend(losses, rates, norms)
        self.run.batches += len(losses)
        self._guarded(lambda: self._loop._after_step(torch.tensor(losses[-1])))

    def end_epoch(self) -> None:
        """Do what the training loop does after an epoch."""
        self._mark_stepped()
        self._guarded(self._loop._after_epoch)

    def _guarded(self, work: Callable[[], Any]) -> None:
        """Do it; an error, or the end of the run, becomes the outcome."""
        done = attempt(work)
        if done.error is None and self._loop.ending is not None:
            done = attempt(self._close)
        elif done.error is None:
            return
        self.outcome = replace(done, seconds=self.seconds)

    def _close(self) -> Run:
        self._loop._close()
        self.run.selection.finish()
        self._evaluations.test_point(self.run)
        history = _history(self.recipe, self.run, self._full, self._loop)
        weights = weights_of(self.model) if self._keep_model else None
        timed = replace(history, seconds=self.seconds)
        return Run(self.recipe.name, self.cell[1], timed, model=weights)

    def _step_schedule(self) -> None:
        self._mark_stepped()
        assert self.run.schedule is not None
        self.run.schedule.scheduler.step()

    def _mark_stepped(self) -> None:
        """Let the optimizer see a step, as schedulers insist; without gradients it does nothing."""
        if not self._stepped and self.run.schedule is not None:
            for parameter in self.model.parameters():
                parameter.grad = None
            self.run.optimizer.step()
        self._stepped = True

    def _stream(self, state: torch.Tensor) -> torch.Generator:
        device = torch.device(self.recipe.device)
        generator = torch.Generator(device)
        if device.type == "cpu":
            return generator.set_state(state)
        return generator.manual_seed(stream_seed(self.cell[1], "training"))
