"""What must agree between two models for one batched computation to stand for both."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
_OWN = frozenset(vars(nn.Module()))  # what every module has: parameters, hooks, ...
_HOOKS = tuple(name for name in sorted(_OWN) if name.endswith("hooks"))
_DEEPEST = 4  # how far objects inside of attributes are followed


def structure(model: nn.Module) -> Hashable:
    """A value that is equal for models which compute the same function of their tensors.

    It holds each module's type and plain attributes, and names, shapes and types of all
    parameters and buffers; which of them are the same object; and which are trained. The rate of
    a dropout module is left out: it may differ.

    >>> structure(nn.Linear(2, 3)) == structure(nn.Linear(2, 3))
    True
    >>> structure(nn.LeakyReLU(0.1)) == structure(nn.LeakyReLU(0.2))
    False
    """
    seen: dict[int, int] = {}

    def alias(value: Any) -> int:
        return seen.setdefault(id(value), len(seen))

    modules = tuple(
        (name, type(module), module.training, alias(module), attributes(module))
        for name, module in model.named_modules(remove_duplicate=False)
    )
    parameters = tuple(
        (name, alias(p), _tensor(p)) for name, p in model.named_parameters(remove_duplicate=False)
    )
    buffers = tuple(
        (name, alias(b), _tensor(b)) for name, b in model.named_buffers(remove_duplicate=False)
    )
    return modules, parameters, buffers


def attributes(module: nn.Module) -> Hashable:
    """The attributes that the module's class gave it, as a value that can be compared."""
    varies = {"p"} if type(module) in DROPOUTS else set[str]()
    return tuple(
        (name, frozen(value))
        for name, value in sorted(vars(module).items())
        if name not in _OWN and name not in varies
    )


def frozen(value: Any, depth: int = 0) -> Hashable:
    """A hashable value equal for equal plain values; for anything else, its identity.

    >>> frozen([1, (2.0, "a")]) == frozen([1, (2.0, "a")])
    True
    """
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bool | int | str | bytes | complex | type | None):
        return value
    if isinstance(value, torch.dtype | torch.device):
        return value
    if isinstance(value, tuple | list):
        return type(value), tuple(frozen(item, depth + 1) for item in value)
    if isinstance(value, Mapping):
        items = ((frozen(k, depth + 1), frozen(v, depth + 1)) for k, v in value.items())
        return type(value), tuple(items)
    if isinstance(value, Tensor | nn.Module) or callable(value) or depth >= _DEEPEST:
        return id(value)
    inner = getattr(value, "__dict__", None)
    return id(value) if inner is None else (type(value), frozen(inner, depth + 1))


def why_no_structure(model: nn.Module) -> str | None:
    """What about a model's tensors and modules no batched computation can take; None if nothing."""
    for name, module in model.named_modules():
        if any(getattr(module, hooks, None) for hooks in _HOOKS):
            return f"{_place(name, module)} has hooks"
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            return f"{_place(name, module)} has no batching rule in torch.func"
        if isinstance(module, torch.jit.ScriptModule):
            return f"{_place(name, module)} is scripted"
    tensors = [*model.parameters(), *model.buffers()]
    if any(is_lazy(tensor) for tensor in tensors):
        return "the model is lazy: its shapes are not known before the first batch"
    trained = {p.dtype for p in model.parameters() if p.requires_grad}
    if len(trained) != 1 or not next(iter(trained)).is_floating_point:
        names = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in trained))
        return f"the trained parameters are of type {names or 'none'}, not of one real type"
    if len({tensor.device for tensor in tensors}) > 1:
        return "the model is spread over several devices"
    return None


def _tensor(tensor: Tensor) -> Hashable:
    return tuple(tensor.shape), tensor.dtype, tensor.device, tensor.requires_grad


def _place(name: str, module: nn.Module) -> str:
    return f"layer {name!r} ({type(module).__name__})" if name else type(module).__name__
