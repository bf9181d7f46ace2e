"""The recipe's model without torch.compile: a look is not worth a compilation."""

from __future__ import annotations

from typing import Any

from torch import nn

from torchclinic.core.recipe import Recipe
from torchclinic.training import build_model


def build_plain(recipe: Recipe, seed: int) -> nn.Module:
    """A fresh model of the recipe, uncompiled.

    Raises:
        ModelError, RecipeError: As `build_model`.
    """
    return uncompiled(build_model(recipe, seed))


def uncompiled(model: nn.Module) -> nn.Module:
    """The model with its compiled parts as they were written, in place.

    >>> import torch
    >>> uncompiled(torch.compile(nn.Linear(2, 1), backend="eager"))
    Linear(in_features=2, out_features=1, bias=True)
    """
    while hasattr(model, "_orig_mod"):
        inner: Any = model._orig_mod
        model = inner
    for name, child in list(model.named_children()):
        plain = uncompiled(child)
        if plain is not child:
            setattr(model, name, plain)
    if getattr(model, "_compiled_call_impl", None) is not None:
        model._compiled_call_impl = None
    return model
