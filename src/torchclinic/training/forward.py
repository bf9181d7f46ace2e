"""How inputs of every shape are handed to a model, and who is to blame when it raises."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple

from torch import Tensor, nn

from torchclinic.core import ModelError, TorchclinicError
from torchclinic.training.batch import Arguments, describe
from torchclinic.training.blame import raised_by_us


def forward(model: nn.Module, inputs: Any) -> Any:
    """The model's outputs.

    A tensor is the only argument. `Arguments` (of a batch longer than two) are positional
    arguments; so is a nested tuple when the forward requires just as many. A dict is passed as
    keyword arguments when the forward takes all of its names, else as one argument.

    Args:
        model: The model.
        inputs: As `split_batch` gives them.

    Raises:
        ModelError: When the forward raises; it names the module in which that happened.

    >>> import torch
    >>> forward(nn.Bilinear(2, 3, 1), (torch.zeros(4, 2), torch.zeros(4, 3))).shape
    torch.Size([4, 1])
    """
    try:
        return _call(model, inputs)
    except TorchclinicError:
        raise
    except Exception as error:
        if raised_by_us(error):
            raise
        raise forward_error(model, inputs, error) from error


def forward_error(model: nn.Module, inputs: Any, error: Exception) -> ModelError:
    """The error that names the innermost module of `model` in which `error` was raised."""
    raised = f"{type(error).__name__}: {_first_line(error)}"
    place = where_raised(model, error.__traceback__)
    if place is None or place.module is model:
        return ModelError(
            f"the forward pass of {type(model).__name__} raised on inputs {describe(inputs)}: "
            f"{raised}",
            hint=_hint(model, inputs) or "call model(inputs) on one batch to see it happen",
        )
    return ModelError(
        f"layer {place.name!r} ({type(place.module).__name__}) raised on {place.arguments}: "
        f"{raised}",
        hint=_hint_for_one_row(error)
        or _hint(place.module, inputs)
        or "look at what the layer before it hands over",
    )


class Place(NamedTuple):
    """A module on the way to an exception, and what it was called with."""

    name: str
    module: nn.Module
    arguments: str


def where_raised(model: nn.Module, traceback: TracebackType | None) -> Place | None:
    """The innermost module of `model` whose code was running; None if none was."""
    names = {id(module): name for name, module in model.named_modules()}
    found = None
    while traceback is not None:
        local = traceback.tb_frame.f_locals
        owner = local.get("self")
        if isinstance(owner, nn.Module) and id(owner) in names:
            found = Place(names[id(owner)], owner, _arguments(local))
        traceback = traceback.tb_next
    return found


def _call(model: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, Tensor):
        return model(inputs)
    if isinstance(inputs, Mapping):
        names = frozenset(str(name) for name in inputs)
        takes = _signature(type(model)).takes(names)
        return model(**inputs) if takes else model(inputs)
    if isinstance(inputs, Arguments):
        return model(*inputs)
    if isinstance(inputs, tuple | list) and len(inputs) > 1:
        required = _signature(type(model)).required
        return model(*inputs) if required == len(inputs) else model(inputs)
    return model(inputs)


class _Signature(NamedTuple):
    required: int
    names: frozenset[str]
    required_names: frozenset[str]
    any_name: bool

    def takes(self, names: frozenset[str]) -> bool:
        """Whether a call with these keyword arguments, and no others, fits."""
        if self.any_name:
            return True
        return names <= self.names and self.required_names <= names


@lru_cache(maxsize=256)
def _signature(kind: type[nn.Module]) -> _Signature:
    try:
        parameters = list(inspect.signature(kind.forward).parameters.values())[1:]
    except (TypeError, ValueError):  # a scripted module does not say
        return _Signature(1, frozenset(), frozenset(), any_name=False)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    needed = [p for p in parameters if p.default is p.empty]
    return _Signature(
        required=sum(p.kind in positional for p in needed),
        names=frozenset(p.name for p in parameters if p.kind in named),
        required_names=frozenset(p.name for p in needed if p.kind in named),
        any_name=any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters),
    )


def _arguments(local: Mapping[str, Any]) -> str:
    shown = {
        name: value
        for name, value in local.items()
        if name not in ("self", "module") and _holds_tensors(value)
    }
    return ", ".join(f"{name} {describe(value)}" for name, value in shown.items()) or "its inputs"


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_tensors(item) for item in value.values())
    if isinstance(value, tuple | list):
        return any(_holds_tensors(item) for item in value)
    return isinstance(value, Tensor)


def _hint_for_one_row(error: Exception) -> str:
    """What helps where batch normalisation was given a batch of a single row."""
    if "more than 1 value per channel" not in str(error):
        return ""
    return "batch normalisation needs two rows: choose a batch_size that leaves no row over"


def _hint(module: nn.Module, inputs: Any) -> str:
    """How a dict reaches a forward, or what a module that is particular about sizes expects."""
    if isinstance(inputs, Mapping):
        names = ", ".join(str(name) for name in inputs)
        return f"give the forward arguments called {names}, or write step(model, batch)"
    for attribute, noun in (
        ("in_features", "features in the last dimension"),
        ("in_channels", "channels in dimension 1"),
        ("num_features", "channels in dimension 1"),
        ("num_embeddings", "as many token numbers, from 0"),
    ):
        size = getattr(module, attribute, None)
        if isinstance(size, int):
            return f"it expects {size} {noun}"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]
