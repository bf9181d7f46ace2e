"""What keeps a model from being mapped."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from torchclinic.core import Recipe
from torchclinic.engine.stacked.blueprint import Blueprint


def why_not_mapped(recipe: Recipe, blueprint: Blueprint) -> str | None:
    """Why an arm's model had better not be mapped; None if it may be tried.

    Source: convolutions under vmap on a CPU were measured at 0.3 (eager) to 0.6 (compiled) of the
    speed that they have one run after the other.
    """
    if torch.device(recipe.device).type != "cpu":
        return None
    for name, module in blueprint.model.named_modules():
        if isinstance(module, _ConvNd):
            return f"its convolution {name!r} would be slower stacked on a CPU"
        if isinstance(module, nn.MultiheadAttention):
            return f"its attention {name!r} would be slower stacked on a CPU"
    return None
