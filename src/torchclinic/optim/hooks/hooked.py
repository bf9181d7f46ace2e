"""Hooks within a Recipe's optimizer factory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import UsageError
from torchclinic.optim.building import build


class OptimizerHook(Protocol):
    """Something that is done at each step of an optimizer. Frozen and comparable."""

    def attach(self, optimizer: Optimizer, model: nn.Module | None = None) -> Any:
        """Do it from now on; the handle that comes back ends it."""
        ...


@dataclass(frozen=True)
class HookedOptimizer:
    """`factory(model) -> optimizer` with hooks attached; see `hooked`."""

    factory: Callable[..., Any]
    hooks: tuple[OptimizerHook, ...]

    def __call__(self, model: nn.Module) -> Optimizer:
        """Build and attach. The argument's name tells the training to hand over the model."""
        optimizer = build(self.factory, model)
        for hook in self.hooks:
            hook.attach(optimizer, model)
        return optimizer


def hooked(factory: Callable[..., Any], *hooks: OptimizerHook) -> HookedOptimizer:
    """An optimizer factory for a Recipe with something done at each of its steps.

    Args:
        factory: Of parameters or of the model.
        hooks: `GradientNoise()`, `MaxNorm(3.0)`, `GradualUnfreezing(every=100)`.

    Raises:
        UsageError: Without a hook.

    >>> from torchclinic.optim import make
    >>> from torchclinic.optim.hooks import MaxNorm
    >>> factory = hooked(make("sgd", lr=0.1), MaxNorm(2.0))
    >>> type(factory(nn.Linear(2, 1))).__name__
    'SGD'
    """
    if not hooks:
        raise UsageError("no hook is given", hint="hooked(factory, MaxNorm(3.0))")
    return HookedOptimizer(factory, hooks)
