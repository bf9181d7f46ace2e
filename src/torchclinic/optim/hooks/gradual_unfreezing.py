"""From the last layer to the first, one more part joins the training at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from torchclinic.core import UsageError
from torchclinic.optim.groups.freezing import freeze, unfreeze
from torchclinic.optim.groups.layer_wise import layer_depths
from torchclinic.optim.hooks.counter import advance, count

_COUNT = "gradual_unfreezing_steps"


@dataclass(frozen=True)
class GradualUnfreezing:
    """At first only the first stage learns; every so many updates the next one joins.

    The count is saved with the optimizer, so that a training that is resumed has as much unfrozen.

    Args:
        every: Updates between two stages; one epoch in the paper.
        stages: Globs of each stage; without any each layer is a stage, the last layer first. What
            no stage names keeps its `requires_grad`.

    Raises:
        UsageError: For `every` below 1; when attached, for a glob that names no parameter.

    Source: Howard and Ruder 2018, ULMFiT, section 3.3, arXiv 1801.06146.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    >>> GradualUnfreezing(every=10).plan(model)
    (('2.weight', '2.bias'), ('0.weight', '0.bias'))
    """

    every: int
    stages: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.every < 1:
            raise UsageError(f"every is {self.every}", hint="updates, at least 1")

    def plan(self, model: nn.Module) -> tuple[tuple[str, ...], ...]:
        """The globs of each stage, first to last."""
        if self.stages:
            return self.stages
        layers: dict[int, list[str]] = {}
        for name, depth in layer_depths(model).items():
            layers.setdefault(depth, []).append(name)
        return tuple(tuple(layers[depth]) for depth in sorted(layers, reverse=True))

    def attach(self, optimizer: Optimizer, model: nn.Module | None = None) -> RemovableHandle:
        """Freeze all stages but the first, and let them join as this optimizer steps.

        The optimizer has to have been given all parameters, frozen or not.
        """
        if model is None:
            raise UsageError("unfreezing needs the model", hint="attach(optimizer, model)")
        stages = self.plan(model)
        for stage in stages:
            freeze(model, *stage)

        def join(optimizer: Optimizer) -> None:
            reached = count(optimizer, _COUNT) // self.every
            for stage in stages[: reached + 1]:
                unfreeze(model, *stage)

        def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG001
            advance(optimizer, _COUNT)
            if count(optimizer, _COUNT) % self.every == 0:
                join(optimizer)

        join(optimizer)
        optimizer.register_load_state_dict_post_hook(join)
        return optimizer.register_step_post_hook(after)
