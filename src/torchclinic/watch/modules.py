"""The modules of a model as a watch sees them: unwrapped, named, and with what is closed to it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize

_COMPILED_PREFIX = "_orig_mod."
_PARAMETRIZATIONS = "parametrizations."


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside DistributedDataParallel or DataParallel.

    >>> unwrap(DataParallel(nn.Linear(2, 3))).out_features
    3
    """
    while isinstance(model, DataParallel | DistributedDataParallel):
        model = model.module
    return model


def why_closed(module: nn.Module) -> str:
    """Why hooks inside this module are never called; empty when they are.

    >>> why_closed(nn.Linear(2, 2))
    ''
    """
    if isinstance(module, torch.jit.ScriptModule):
        return "the module is scripted, so that no hook runs in it"
    if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
        return "the module is compiled; hooks would break its graph"
    return ""


def walk(model: nn.Module) -> Iterator[tuple[str, nn.Module, str]]:
    """Every module once, with its name and why it is closed to hooks, parents first.

    The prefixes that wrapping and compiling put into names are left out; the helper modules of a
    parametrised weight are not listed.

    >>> [name for name, _, _ in walk(nn.Sequential(nn.Linear(1, 1)))]
    ['', '0']
    """
    seen: set[nn.Module] = set()
    stack: list[tuple[str, nn.Module, str]] = [("", model, "")]
    while stack:
        name, module, closed = stack.pop()
        closed = closed or why_closed(module)
        if isinstance(inner := getattr(module, "_orig_mod", None), nn.Module):
            stack.append((name, inner, closed))
            continue
        if module in seen:
            continue
        seen.add(module)
        yield name, module, closed
        for child_name, child in reversed(list(module.named_children())):
            if not (child_name == "parametrizations" and parametrize.is_parametrized(module)):
                stack.append((f"{name}.{child_name}" if name else child_name, child, closed))


def own_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """The module's direct parameters and those that parametrise its weights, by name.

    >>> list(own_parameters(nn.Linear(2, 2)))
    ['weight', 'bias']
    """
    parametrized = parametrize.is_parametrized(module)
    return {
        name: parameter
        for name, parameter in module.named_parameters(recurse=parametrized)
        if not isinstance(parameter, UninitializedParameter)
        and ("." not in name or name.startswith(_PARAMETRIZATIONS))
    }


def clean_name(name: str) -> str:
    """A parameter's or module's name without what compiling puts into it.

    >>> clean_name("_orig_mod.0.weight")
    '0.weight'
    """
    return name.replace(_COMPILED_PREFIX, "")
