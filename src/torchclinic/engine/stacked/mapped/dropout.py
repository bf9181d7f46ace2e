"""Dropout inside of a mapped model, with masks that each member's own stream draws."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name
from torch.overrides import TorchFunctionMode

from torchclinic.engine.stacked.mapped.linear import linear
from torchclinic.engine.stacked.mlp.dropout import Draws

# Function -> dimensions of the inputs whose last ones are dropped together; None: each element.
_FUNCTIONS: dict[Any, int | None] = {
    F.dropout: None,
    F.dropout1d: 3,
    F.dropout2d: 4,
    F.dropout3d: 5,
}


@dataclass(frozen=True)
class Site:
    """One call of dropout.

    Attributes:
        shape: Of the mask.
        dtype: Of the mask.
        rate: Share of zeros.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    rate: float


class Dropouts:
    """The calls of dropout in the members' models, in the order in which they are made.

    Args:
        models: The members', of equal structure.
        draws: Their random streams.
    """

    def __init__(self, models: Sequence[nn.Module], draws: Draws) -> None:
        self._models = models
        self._draws = draws
        self._sites: dict[tuple[int, ...], list[list[Site]]] = {}

    def draw(self, x: Tensor) -> list[Tensor]:
        """All members' masks for one step, one tensor for each call.

        Args:
            x: Inputs, of shape (members, rows, ...).
        """
        shape = tuple(x.shape[1:])
        if shape not in self._sites:
            self._sites[shape] = [_sites(model, x[0]) for model in self._models]
        calls = zip(*self._sites[shape], strict=True)
        return [self._masks(call, x.device) for call in calls]

    def _masks(self, call: tuple[Site, ...], device: torch.device) -> Tensor:
        out = torch.empty((len(call), *call[0].shape), dtype=call[0].dtype, device=device)
        return self._draws.masks(out, [site.rate for site in call])


@contextmanager
def intercepting(masks: Sequence[Tensor], *, linear: bool) -> Iterator[None]:
    """Inside, each call of dropout multiplies with the next mask.

    Args:
        masks: In the order of the calls.
        linear: Whether linear layers go to the compiled kernels.
    """
    left = iter(masks)

    def drop(x: Tensor, _site: Site, *, inplace: bool) -> Tensor:
        mask = next(left)
        return x.mul_(mask) if inplace else x * mask

    if not masks and not linear:  # a mode costs time at each call of torch
        yield
        return
    with _Intercept(drop, linear=linear):
        yield


class _Intercept(TorchFunctionMode):
    """Hands each call of dropout in training to a function, and linear layers to the kernels."""

    def __init__(self, drop: Callable[..., Tensor], *, linear: bool = False) -> None:
        super().__init__()
        self._drop = drop
        self._linear = linear

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        if func is F.linear and self._linear:
            return linear(*args, **options)
        if func not in _FUNCTIONS:
            return func(*args, **options)
        x, rate, training, inplace = _arguments(*args, **options)
        if not training:
            return x
        return self._drop(x, _site(func, x, rate), inplace=inplace)


def _arguments(
    input: Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> tuple[Tensor, float, bool, bool]:
    return input, float(p), training, inplace


def _site(function: Any, x: Tensor, rate: float) -> Site:
    dimensions = _FUNCTIONS[function]
    if dimensions is None:
        return Site(tuple(x.shape), x.dtype, rate)
    if x.dim() != dimensions:
        raise ValueError(f"{function.__name__} of {x.dim()} dimensions has no mask in a stack")
    return Site((*x.shape[:2], *(1 for _ in x.shape[2:])), x.dtype, rate)


def _sites(model: nn.Module, x: Tensor) -> list[Site]:
    """What a model calls, found by running a copy of it."""
    found: list[Site] = []

    def note(x: Tensor, site: Site, *, inplace: bool) -> Tensor:
        del inplace
        found.append(site)
        return x

    with torch.no_grad(), _Intercept(note):
        copy.deepcopy(model)(x)
    return found
