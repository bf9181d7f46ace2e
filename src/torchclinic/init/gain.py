"""The gain of an activation: by how much it shrinks what goes through it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import init

from torchclinic.core import UsageError
from torchclinic.functional import ACTIVATIONS, activation_name

# Those that are no function of one element shrink nothing that a gain could make up for.
NOT_ELEMENTWISE = frozenset({"softmax", "log_softmax", "softmin", "gumbel_softmax", "glu"})
_OF_TORCH = frozenset({"sigmoid", "tanh", "relu", "leaky_relu", "selu"})
_RANDOM = frozenset({"rrelu"})
_HALF_WIDTH, _POINTS = 12.0, 24_001  # of the trapezoid rule; exact to 1e-7, kinks included


def gain(activation: str | nn.Module | None) -> float:
    r"""The factor by which weights are to be larger because of the activation that follows.

    Torch's `calculate_gain` where it has one, else
    $g = 1 / \sqrt{E[\varphi(z)^2]}$ with $z \sim N(0, 1)$: weights of variance $g^2 / n_{in}$ then
    keep the second moment from layer to layer.

    Args:
        activation: Torch's function name, for its default parameters; an activation module, whose
            own parameters then count; None for none.

    Returns:
        The gain; 1 without an activation and for a softmax.

    Raises:
        UsageError: For what is no activation of torch.

    Source: He et al. 2015, section 2.2, arXiv 1502.01852; torch.nn.init.calculate_gain.

    >>> round(gain("relu"), 4), round(gain("gelu"), 4), gain(None)
    (1.4142, 1.5335, 1.0)
    >>> round(gain(nn.LeakyReLU(0.5)), 4)
    1.2649
    """
    name = activation_name(activation) if isinstance(activation, nn.Module) else activation
    if name == "glu":
        return second_moment("sigmoid") ** -0.5  # E[(a sigmoid(b))^2], a and b independent
    if activation is None or name in NOT_ELEMENTWISE:
        return 1.0
    if name is None or name not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise UsageError(f"there is no activation {activation!r}", hint=f"known: {known}")
    if isinstance(activation, nn.Module) and name not in _RANDOM:
        return _of_module(name, activation)
    if name in _OF_TORCH:
        return init.calculate_gain(name)  # type: ignore[arg-type]
    return second_moment(name) ** -0.5


@lru_cache(maxsize=64)
def second_moment(activation: str) -> float:
    r"""$E[\varphi(z)^2]$ for a standard normal $z$, by the trapezoid rule.

    >>> round(second_moment("relu"), 6)
    0.5
    """
    return _second_moment(ACTIVATIONS[activation].function)


def pointwise(activation: str | nn.Module | None) -> Callable[[Tensor], Tensor]:
    """An activation as a function of single float64 numbers; None is the identity.

    Raises:
        UsageError: For what is no activation of torch, or none of single elements.

    >>> pointwise("relu")(torch.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    if activation is None:
        return lambda x: x
    name = activation_name(activation) if isinstance(activation, nn.Module) else activation
    if name is None or name not in ACTIVATIONS or name in NOT_ELEMENTWISE:
        known = ", ".join(sorted(set(ACTIVATIONS) - NOT_ELEMENTWISE))
        raise UsageError(f"{activation!r} acts on no single element", hint=f"known: {known}")
    if not isinstance(activation, nn.Module) or name in _RANDOM:
        return ACTIVATIONS[name].function
    slope: Any = getattr(activation, "weight", None)  # of a PReLU, one a channel or one for all
    if isinstance(slope, Tensor):
        mean = float(slope.detach().double().mean())
        return lambda x: nn.functional.leaky_relu(x, mean)
    return copy.deepcopy(activation).double()


def _of_module(name: str, module: nn.Module) -> float:
    if name in _OF_TORCH and name != "leaky_relu":
        return init.calculate_gain(name)  # type: ignore[arg-type]
    with torch.no_grad():
        moment = _second_moment(pointwise(module))
    return moment**-0.5 if moment > 0 else 1.0


def _second_moment(function: Callable[[Tensor], Tensor]) -> float:
    z = torch.linspace(-_HALF_WIDTH, _HALF_WIDTH, _POINTS, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5
    values = function(z.clone())
    return float(torch.trapezoid(values**2 * density, z))
