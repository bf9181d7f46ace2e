"""Model and optimizer of a run, as a recipe's factories make them."""

from __future__ import annotations

import copy
import inspect
import weakref
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from torchclinic.core import ModelError, Recipe, RecipeError, TorchclinicError
from torchclinic.training.rng import seeded

_handed_out: weakref.WeakValueDictionary[int, nn.Module] = weakref.WeakValueDictionary()


def build_model(recipe: Recipe, seed: int = 0) -> nn.Module:
    """A fresh model on the recipe's device.

    A factory is called with all global generators started from `seed`, which are then put back;
    a module is deep-copied.

    Args:
        recipe: Whose model it is.
        seed: Of the run.

    Raises:
        ModelError: If the factory raises or returns no module, or the module cannot be copied.
        RecipeError: If the factory returns a module it has returned before (that one is trained
            by now), or the device is not there.

    >>> from functools import partial
    >>> recipe = Recipe(model=partial(nn.Linear, 1, 1), data=[], loss=min, optimizer=list, steps=1)
    >>> a, b = build_model(recipe, 1), build_model(recipe, 1)
    >>> a is b, bool((a.weight == b.weight).all())
    (False, True)
    """
    device = resolve_device(recipe.device)
    if isinstance(recipe.model, nn.Module):
        return _copied(recipe.model).to(device)
    with seeded(seed):
        model = _called(recipe.model)
    return model.to(device)


def build_optimizer(recipe: Recipe, model: nn.Module) -> Optimizer:
    """The recipe's optimizer for a model.

    A factory whose first argument is called `model` gets the model, any other its parameters.

    Raises:
        RecipeError: If the factory raises or returns something else.

    >>> from functools import partial
    >>> from torch.optim import SGD
    >>> recipe = Recipe(model=list, data=[], loss=min, optimizer=partial(SGD, lr=0.1), steps=1)
    >>> build_optimizer(recipe, nn.Linear(2, 1)).param_groups[0]["lr"]
    0.1
    """
    argument = model if _takes_model(recipe.optimizer) else list(model.parameters())
    try:
        optimizer = recipe.optimizer(argument)  # pyright: ignore[reportArgumentType]
    except TorchclinicError:
        raise
    except Exception as error:
        raise RecipeError(
            f"the optimizer factory {_name(recipe.optimizer)} raised {type(error).__name__}: "
            f"{error}",
            hint="it gets the model's parameters, or the model if its argument is called model",
        ) from error
    if not isinstance(optimizer, Optimizer):
        raise RecipeError(
            f"the optimizer factory {_name(recipe.optimizer)} returned {optimizer!r:.60} of type "
            f"{type(optimizer).__name__}, not a torch.optim.Optimizer",
            hint="write partial(torch.optim.SGD, lr=0.1)",
        )
    return optimizer


def check_trainable(model: nn.Module) -> None:
    """Insist on something to train.

    Raises:
        ModelError: If no parameter of the model requires a gradient.
    """
    parameters = list(model.parameters())
    if not parameters:
        raise ModelError(
            f"the model {type(model).__name__} has no parameters",
            hint="assign layers and nn.Parameter to attributes; a plain list hides them: "
            "use nn.ModuleList",
        )
    if not any(parameter.requires_grad for parameter in parameters):
        raise ModelError(
            f"none of the {len(parameters)} parameters of {type(model).__name__} is trainable",
            hint="call model.requires_grad_(True), or on the part that shall be trained",
        )


def resolve_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        RecipeError: If there is no such device here.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RecipeError(f"device is {name!r}", hint="'cpu', 'cuda' or 'cuda:1'") from error
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= found:
            raise RecipeError(
                f"device is {name!r}, but torch sees {found} CUDA devices", hint="use device='cpu'"
            )
        torch.cuda.init()  # so that its generators can be kept and restored
    return device


def _called(factory: Any) -> nn.Module:
    try:
        model = factory()
    except TorchclinicError:
        raise
    except Exception as error:
        raise ModelError(
            f"the model factory {_name(factory)} raised {type(error).__name__}: {error}",
            hint="it is called without arguments; bind them with functools.partial",
        ) from error
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"the model factory {_name(factory)} returned {model!r:.60} of type "
            f"{type(model).__name__}, not an nn.Module",
            hint="return the module",
        )
    if _handed_out.get(id(model)) is model:
        raise RecipeError(
            f"the model factory {_name(factory)} returned the same {type(model).__name__} again",
            hint="build it inside the factory, or give the module itself: it is copied each time",
        )
    _handed_out[id(model)] = model
    return model


def _copied(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise ModelError(
            f"the model {type(model).__name__} cannot be copied: {type(error).__name__}: {error}",
            hint="give a factory that builds it anew: model=make_net",
        ) from error


def _takes_model(factory: Any) -> bool:
    try:
        names = list(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return False
    return bool(names) and names[0] == "model"


def _name(function: Any) -> str:
    inner = getattr(function, "func", function)
    return getattr(inner, "__qualname__", type(inner).__name__)
