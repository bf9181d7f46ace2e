"""One front door to all optimizers."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from torchclinic.core import TorchclinicError, UsageError
from torchclinic.optim.optimizers.factory import OptimizerFactory
from torchclinic.optim.optimizers.kind import OPTIMIZERS, library, options_of

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]


@overload
def make(name: str, params: None = None, /, **options: Any) -> OptimizerFactory: ...


@overload
def make(name: str, params: Parameters | nn.Module, /, **options: Any) -> Optimizer: ...


def make(
    name: str, params: Parameters | nn.Module | None = None, /, **options: Any
) -> OptimizerFactory | Optimizer:
    """An optimizer by name, or a factory of it for a Recipe.

    Args:
        name: A member of `OPTIMIZERS`, or any other name that pytorch_optimizer knows.
        params: Parameters, parameter groups, or a model; None for a factory that waits for them.
        options: Of the optimizer ("lr", "weight_decay"); what is not given is its default.

    Returns:
        The optimizer, or without `params` a factory: `make("adamw", lr=1e-3)(model.parameters())`.

    Raises:
        UsageError: For a name that nobody knows, with those that are near it; for an option that
            the optimizer does not have; for a value that it refuses.

    >>> make("sgd", nn.Linear(2, 1), lr=0.1).param_groups[0]["lr"]
    0.1
    >>> make("nesterov", lr=0.1).keywords
    {'momentum': 0.9, 'nesterov': True, 'lr': 0.1}
    """
    kind, fixed = _find(name)
    known = options_of(kind)
    for option in options:
        if option not in known and "kwargs" not in known:
            listed = ", ".join(known)
            raise UsageError(f"{name} has no option {option!r}", hint=f"known: {listed}")
    rate = options.get("lr", 0.0)
    if not isinstance(rate, Tensor) and not 0 <= rate < float("inf"):
        raise UsageError(f"lr is {rate!r}", hint="a finite number of at least 0")
    factory = OptimizerFactory(kind, **{**fixed, **options})
    factory.name = name
    if params is None:
        _built(factory, [torch.zeros(1, 1, requires_grad=True)])
        return factory
    return _built(factory, params.parameters() if isinstance(params, nn.Module) else params)


def _find(name: str) -> tuple[type[Optimizer], dict[str, Any]]:
    if name in OPTIMIZERS:
        return OPTIMIZERS[name].load(), dict(OPTIMIZERS[name].fixed)
    others = _others()
    if name in others:
        return library("pytorch_optimizer").load_optimizer(name), {}
    known = dict.fromkeys([*OPTIMIZERS, *others])
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(OPTIMIZERS)}"
    raise UsageError(f"there is no optimizer {name!r}", hint=hint)


def _others() -> tuple[str, ...]:
    """Names that pytorch_optimizer knows; none if it is not installed."""
    try:
        return tuple(library("pytorch_optimizer").get_supported_optimizers())
    except UsageError:
        return ()


def _built(factory: OptimizerFactory, params: Any) -> Optimizer:
    try:
        return factory(params)
    except TorchclinicError:
        raise
    except Exception as error:
        raise UsageError(f"{factory!r} cannot be built: {error}") from error
