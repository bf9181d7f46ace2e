"""An optimizer factory that builds the user's optimizer and then changes it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import Recipe
from torchclinic.core.recipe import OptimizerFactory
from torchclinic.nn import Destandardise, Standardise
from torchclinic.remedies._place import Place


class OptimizerEdit(Protocol):
    """A change of a fresh optimizer. Frozen and comparable.

    Attributes:
        place: When it is made, relative to other edits.
    """

    @property
    def place(self) -> Place: ...

    def __call__(self, optimizer: Optimizer, model: nn.Module) -> Optimizer:
        """Change `optimizer`, which has no state yet, or return another."""
        ...


@dataclass(frozen=True, eq=False)
class EditedOptimizer:
    """`factory(model) -> optimizer`: the user's optimizer with the edits made on it.

    Attributes:
        base: The user's factory, of parameters or of the model.
        edits: What is done to what it builds, in the order of places.
    """

    base: OptimizerFactory
    edits: tuple[OptimizerEdit, ...]

    def __call__(self, model: nn.Module) -> Optimizer:
        """Build and edit. The argument's name tells the training to hand over the model."""
        optimizer = build(self.base, model)
        for edit in sorted(self.edits, key=lambda edit: edit.place):
            optimizer = edit(optimizer, model)
        return optimizer

    def and_then(self, edit: OptimizerEdit) -> EditedOptimizer:
        """With one edit more; it takes the place of an earlier one of its kind."""
        kept = tuple(old for old in self.edits if type(old) is not type(edit))
        return dataclasses.replace(self, edits=(*kept, edit))


def edit_optimizer(recipe: Recipe, edit: OptimizerEdit) -> Recipe:
    """The recipe with `edit` made on its optimizer whenever that is built."""
    base = recipe.optimizer
    edited = base if isinstance(base, EditedOptimizer) else EditedOptimizer(base, ())
    return recipe.replace(optimizer=edited.and_then(edit))


def build(factory: Callable[..., Any], model: nn.Module) -> Optimizer:
    """Call an optimizer factory with the model's parameters, or with the model if it wants that.

    A factory that wants the model looks for the user's layers in it, so it gets what stands behind
    a `Standardise` or in front of a `Destandardise`.
    """
    return factory(inside(model)) if takes_model(factory) else factory(list(model.parameters()))


def inside(model: nn.Module) -> nn.Module:
    """The user's model without the layers of statistics that were put around it.

    >>> from torchclinic.nn import Standardise
    >>> inside(nn.Sequential(Standardise(0.0, 1.0), nn.Tanh()))
    Tanh()
    """
    while type(model) is nn.Sequential and len(model) == 2:
        if isinstance(model[0], Standardise):
            model = model[1]
        elif isinstance(model[1], Destandardise):
            model = model[0]
        else:
            break
    return model


def keep_reach(recipe: Recipe) -> Recipe:
    """The recipe with an optimizer factory that finds the user's layers in a wrapped model."""
    if not takes_model(recipe.optimizer) or isinstance(recipe.optimizer, EditedOptimizer):
        return recipe
    return recipe.replace(optimizer=EditedOptimizer(recipe.optimizer, ()))


def takes_model(factory: Callable[..., Any]) -> bool:
    """Whether the first argument of a factory is called `model`."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False
    return next(iter(parameters), "") == "model"


def regroup(optimizer: Optimizer, groups: list[dict[str, Any]]) -> Optimizer:
    """Give a fresh optimizer other parameter groups; options a group lacks get their defaults."""
    optimizer.param_groups.clear()
    optimizer.state.clear()
    for group in groups:
        optimizer.add_param_group(group)
    return optimizer
