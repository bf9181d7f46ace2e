"""Everything about a run that changes while it goes on, and that a checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from torchclinic.training.averaging import WeightAverages
from torchclinic.training.recorder import Recorder
from torchclinic.training.rng import RandomState
from torchclinic.training.schedule import RunningSchedule
from torchclinic.training.selection import Selection
from torchclinic.training.stopwatch import Stopwatch
from torchclinic.training.update import Update


@dataclass
class RunState:
    """The moving parts of a run.

    Attributes:
        model: In training.
        optimizer: Its optimizer.
        schedule: Its schedule, if any.
        update: What makes a step.
        selection: What keeps the best weights.
        averages: The averages of the weights, if any.
        generator: Decides the order of the rows.
        recorder: The curves so far.
        epoch: Finished epochs.
        batches: Batches of the present epoch that were used.
        order: State of `generator` at the start of the present epoch.
        epoch_start: Updates made before the present epoch.
        diverged: Whether the run was given up.
        clock: Time of training.
    """

    model: nn.Module
    optimizer: Optimizer
    schedule: RunningSchedule | None
    update: Update
    selection: Selection
    generator: torch.Generator
    order: Tensor
    averages: WeightAverages | None = None
    recorder: Recorder = field(default_factory=Recorder)
    epoch: int = 0
    batches: int = 0
    epoch_start: int = 0
    diverged: bool = False
    clock: Stopwatch = field(default_factory=Stopwatch)

    @property
    def step(self) -> int:
        """Updates made."""
        return self.recorder.steps

    def record(self, loss: Tensor, batches: int) -> None:
        """Count an update made of so many batches."""
        rate = self.optimizer.param_groups[0].get("lr", float("nan"))
        self.recorder.add(loss, float(rate), self.update.gradient_norm)
        self.batches += batches

    def next_epoch(self) -> None:
        """Stand at the start of the next epoch."""
        self.epoch += 1
        self.batches = 0
        self.epoch_start = self.step
        self.order = self.generator.get_state()

    def mean_epoch_loss(self) -> float:
        """Mean training loss of the present epoch so far."""
        self.recorder.flush()
        losses = self.recorder.losses[self.epoch_start :]
        return sum(losses) / len(losses)

    def state(self) -> dict[str, Any]:
        """All of it as nested plain values and tensors."""
        weights = {k: v for k, v in self.model.state_dict().items() if not _unbuilt(v)}
        schedule, scaler = self.schedule, self.update.scaler
        return {
            "model": weights,
            "buffers": {
                k: v for k, v in self.model.named_buffers() if k not in weights and not is_lazy(v)
            },
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if schedule is None else schedule.scheduler.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
            "selection": self.selection.state(),
            "averages": None if self.averages is None else self.averages.state(),
            "recorder": self.recorder.state(),
            "order": self.order,
            "position": [self.epoch, self.batches, self.epoch_start],
            "diverged": self.diverged,
            "seconds": self.clock.seconds,
            "random": RandomState.capture().state(),
        }

    def restore(self, state: dict[str, Any]) -> RandomState:
        """Go on from a state.

        Returns:
            The state of the global generators, to be restored once the data stands where it did.
        """
        lazy = any(is_lazy(parameter) for parameter in self.model.parameters())
        self.model.load_state_dict(state["model"], strict=not lazy)
        buffers = dict(self.model.named_buffers())
        for name, value in state["buffers"].items():
            buffers[name].copy_(value)
        _load_optimizer(self.optimizer, state["optimizer"])
        if self.schedule is not None:
            self.schedule.scheduler.load_state_dict(state["schedule"])
        if self.update.scaler is not None:
            self.update.scaler.load_state_dict(state["scaler"])
        self.selection.restore(state["selection"])
        if self.averages is not None:
            self.averages.restore(state["averages"])
        self.recorder.restore(state["recorder"])
        self.order = state["order"]
        self.generator.set_state(self.order)
        self.epoch, self.batches, self.epoch_start = state["position"]
        self.diverged = state["diverged"]
        self.clock = Stopwatch(before=state["seconds"])
        return RandomState.of(state["random"])


def _unbuilt(value: Any) -> bool:
    """Whether it is a parameter or buffer of a lazy module that has not run yet."""
    return isinstance(value, Tensor) and is_lazy(value)


def _load_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Load a state; what torch would round to the parameter's type keeps its own."""
    optimizer.load_state_dict(state)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for index, values in state["state"].items():
        loaded = optimizer.state[parameters[index]]
        for name, value in values.items():
            if isinstance(value, Tensor) and loaded[name].dtype != value.dtype:
                loaded[name] = value.to(loaded[name].device)
