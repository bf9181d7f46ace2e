"""Calls an optimizer factory in the way that it wants to be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from torchclinic.core import ModelError


def build(factory: Callable[..., Any], model: nn.Module) -> Optimizer:
    """The optimizer of a model: the factory gets the model if its argument is called so."""
    return factory(model if takes_model(factory) else list(model.parameters()))


def takes_model(factory: Callable[..., Any]) -> bool:
    """Whether the first argument of a factory is called `model`."""
    try:
        names = list(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return False
    return bool(names) and names[0] == "model"


def options_of_factory(factory: Callable[..., Any]) -> dict[str, Any]:
    """The options that a factory of parameters gives to a group ("lr", "weight_decay")."""
    trial = factory([torch.zeros(1, 1, requires_grad=True)])
    return {key: value for key, value in trial.param_groups[0].items() if key != "params"}


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Trainable parameters by name.

    Raises:
        ModelError: If there is none.
    """
    found = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not found:
        raise ModelError(
            f"{type(model).__name__} has no trainable parameter",
            hint="model.requires_grad_(True), or unfreeze(model, '...') for a part",
        )
    return found
