"""Change what lies deep in a recipe, by a dotted name."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import nn

from torchclinic.core import Recipe, UsageError

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def changed(recipe: Recipe, fields: Mapping[str, Any]) -> Recipe:
    """A copy of the recipe with some of what is in it changed.

    A name is a field of the recipe ("batch_size"), or goes on into what the field holds
    ("optimizer.lr", "model.width", "early_stopping.patience", "penalties.0.weight"): an argument of
    a function or `partial`, a field of a dataclass, a place in a tuple, or an option of a loss
    module.

    Args:
        recipe: The base; it stays as it is.
        fields: Dotted name -> new value.

    Raises:
        UsageError: When there is nothing of that name; it says what there is.
        RecipeError: When the changed recipe contradicts itself.

    >>> from torch.optim import SGD
    >>> recipe = Recipe(model=list, data=[], loss=min, optimizer=partial(SGD, lr=0.1), steps=1)
    >>> changed(recipe, {"optimizer.lr": 0.5, "batch_size": 64}).optimizer.keywords
    {'lr': 0.5}
    """
    names = [f.name for f in dataclasses.fields(recipe)]
    for path, value in fields.items():
        first, *rest = path.split(".")
        if first not in names:
            raise UsageError(
                f"{path!r}: a recipe has no field {first!r}", hint=f"one of {', '.join(names)}"
            )
        inner = _with(getattr(recipe, first), rest, value, path)
        recipe = recipe.replace(**{first: inner})
    return recipe


def _with(held: Any, rest: list[str], value: Any, path: str) -> Any:
    """`held` with what `rest` leads to replaced by `value`."""
    if not rest:
        return value
    name, *deeper = rest
    if isinstance(held, tuple | list):
        return _in_sequence(held, name, deeper, value, path)
    if dataclasses.is_dataclass(held) and not isinstance(held, type):
        return _in_dataclass(held, name, deeper, value, path)
    if isinstance(held, nn.Module):
        return _in_module(held, name, deeper, value, path)
    if callable(held):
        return _in_call(held, name, deeper, value, path)
    raise UsageError(
        f"{path!r}: {held!r:.60} has nothing called {name!r}",
        hint="a dotted name leads into partials, functions, dataclasses, tuples and loss modules",
    )


def _in_sequence(held: Any, name: str, deeper: list[str], value: Any, path: str) -> Any:
    if not name.isdigit() or int(name) >= len(held):
        raise UsageError(
            f"{path!r}: {name!r} is no place among {len(held)}",
            hint="places are counted from 0, as in penalties.0.weight",
        )
    items = list(held)
    items[int(name)] = _with(items[int(name)], deeper, value, path)
    return type(held)(items)


def _in_dataclass(held: Any, name: str, deeper: list[str], value: Any, path: str) -> Any:
    names = [f.name for f in dataclasses.fields(held)]
    if name not in names:
        if callable(held):
            return _in_call(held, name, deeper, value, path)
        raise UsageError(
            f"{path!r}: {type(held).__name__} has no {name!r}", hint=f"one of {', '.join(names)}"
        )
    return dataclasses.replace(held, **{name: _with(getattr(held, name), deeper, value, path)})


def _in_module(held: nn.Module, name: str, deeper: list[str], value: Any, path: str) -> nn.Module:
    if name not in vars(held):
        known = [key for key in vars(held) if not key.startswith("_") and key != "training"]
        raise UsageError(
            f"{path!r}: {type(held).__name__} has no option {name!r}",
            hint=f"one of {', '.join(known)}" if known else "give another module as its own arm",
        )
    other = copy.copy(held)
    setattr(other, name, _with(getattr(held, name), deeper, value, path))
    return other


def _in_call(held: Any, name: str, deeper: list[str], value: Any, path: str) -> Any:
    """A function with one argument bound anew."""
    function, args, keywords = _taken_apart(held)
    parameters = _parameters(function, path)
    place = _place(parameters, name)
    old = keywords.get(name)
    if place is not None and place < len(args):
        new = _with(args[place], deeper, value, path)
        return partial(function, *args[:place], new, *args[place + 1 :], **keywords)
    known = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if name not in known and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        hint = f"one of {', '.join(known)}" if known else "it takes no arguments: write a partial"
        raise UsageError(f"{path!r}: {_called(function)} has no argument {name!r}", hint=hint)
    return partial(function, *args, **{**keywords, name: _with(old, deeper, value, path)})


def _taken_apart(held: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    if isinstance(held, partial):
        return held.func, held.args, dict(held.keywords)
    return held, (), {}


def _parameters(function: Any, path: str) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{path!r}: the arguments of {_called(function)} are not known",
            hint="write a function with named arguments around it",
        ) from error


def _place(parameters: list[inspect.Parameter], name: str) -> int | None:
    for place, parameter in enumerate(parameters):
        if parameter.kind not in _POSITIONAL:
            return None
        if parameter.name == name:
            return place
    return None


def _called(function: Any) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
