"""Activation functions with their derivatives."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from torchclinic.engine.stacked.mlp.layer import Layer

aten = torch.ops.aten
FILLED = 64  # elements; torch's loops take two vectors of up to 64 bytes at a time


@dataclass(frozen=True)
class Activation:
    """An elementwise function.

    Attributes:
        forward: `forward(x) -> y`.
        backward: `backward(d, x, y) -> gradient with respect to x`.
    """

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor], Tensor]


class StackedActivation(Layer):
    """An activation function of all members.

    torch computes the elements that do not fill its vectors in another way, in the last bits: so
    that these do not depend on how many members there are, all vectors are filled.
    """

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self._activation = activation
        self._x = self._y = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs."""
        self._x = filled(x)
        self._y = self._activation.forward(self._x)
        return like(self._y, x)

    def backward(self, d: Tensor, rate: Tensor | None, *, wanted: bool) -> Tensor | None:
        """Parameter gradients, and the inputs'."""
        del rate  # it has no parameters
        if not wanted:
            return None
        return like(self._activation.backward(filled(d), self._x, self._y), d)


def filled(x: Tensor) -> Tensor:
    """The tensor, or a flat copy with zeros behind it where its elements fill no whole vectors.

    >>> filled(torch.ones(4, 16)).shape, filled(torch.ones(2, 3)).shape
    (torch.Size([4, 16]), torch.Size([64]))
    """
    beyond = -x.numel() % FILLED
    return x if beyond == 0 else torch.nn.functional.pad(x.reshape(-1), (0, beyond))


def like(y: Tensor, x: Tensor) -> Tensor:
    """What `filled` was made of, in the shape of `x`."""
    return y if y.shape == x.shape else y[: x.numel()].view(x.shape)


def _sigmoid() -> Activation:
    return Activation(torch.sigmoid, lambda d, _, y: aten.sigmoid_backward(d, y))


def _tanh() -> Activation:
    return Activation(torch.tanh, lambda d, _, y: aten.tanh_backward(d, y))


def _relu() -> Activation:
    return Activation(torch.relu, lambda d, _, y: aten.threshold_backward(d, y, 0))


def _leaky_relu(negative_slope: float = 0.01) -> Activation:
    return Activation(
        lambda x: F.leaky_relu(x, negative_slope),
        lambda d, x, _: aten.leaky_relu_backward(d, x, negative_slope, False),
    )


def _elu(alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Activation:
    return Activation(
        lambda x: aten.elu(x, alpha, scale, input_scale),
        lambda d, x, _: aten.elu_backward(d, alpha, scale, input_scale, False, x),
    )


def _selu() -> Activation:
    return _elu(1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


def _celu(alpha: float = 1.0) -> Activation:
    return _elu(alpha, 1.0, 1.0 / alpha)


def _gelu(approximate: str = "none") -> Activation:
    return Activation(
        lambda x: F.gelu(x, approximate=approximate),
        lambda d, x, _: aten.gelu_backward(d, x, approximate=approximate),
    )


def _silu() -> Activation:
    return Activation(F.silu, lambda d, x, _: aten.silu_backward(d, x))


def _mish() -> Activation:
    return Activation(F.mish, lambda d, x, _: aten.mish_backward(d, x))


def _softplus(beta: float = 1.0, threshold: float = 20.0) -> Activation:
    return Activation(
        lambda x: F.softplus(x, beta, threshold),
        lambda d, x, _: aten.softplus_backward(d, x, beta, threshold),
    )


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0) -> Activation:
    return Activation(
        lambda x: F.hardtanh(x, min_val, max_val),
        lambda d, x, _: aten.hardtanh_backward(d, x, min_val, max_val),
    )


def _relu6() -> Activation:
    return _hardtanh(0.0, 6.0)


def _clamp(min: float = -math.inf, max: float = math.inf) -> Activation:  # noqa: A002
    return Activation(
        lambda x: torch.clamp(x, min, max), lambda d, x, _: d * ((x >= min) & (x <= max))
    )


def _hardswish() -> Activation:
    return Activation(F.hardswish, lambda d, x, _: aten.hardswish_backward(d, x))


def _hardsigmoid() -> Activation:
    return Activation(F.hardsigmoid, lambda d, x, _: aten.hardsigmoid_backward(d, x))


def _softsign() -> Activation:
    return Activation(F.softsign, lambda d, x, _: d / (1 + x.abs()).square())


# Module type -> (how to make it, which attributes of the module it is made with)
_MODULES: Mapping[type[nn.Module], tuple[Callable[..., Activation], tuple[str, ...]]] = {
    nn.Sigmoid: (_sigmoid, ()),
    nn.Tanh: (_tanh, ()),
    nn.ReLU: (_relu, ()),
    nn.ReLU6: (_relu6, ()),
    nn.LeakyReLU: (_leaky_relu, ("negative_slope",)),
    nn.ELU: (_elu, ("alpha",)),
    nn.SELU: (_selu, ()),
    nn.CELU: (_celu, ("alpha",)),
    nn.GELU: (_gelu, ("approximate",)),
    nn.SiLU: (_silu, ()),
    nn.Mish: (_mish, ()),
    nn.Softplus: (_softplus, ("beta", "threshold")),
    nn.Hardtanh: (_hardtanh, ("min_val", "max_val")),
    nn.Hardswish: (_hardswish, ()),
    nn.Hardsigmoid: (_hardsigmoid, ()),
    nn.Softsign: (_softsign, ()),
}
_FUNCTIONS: Mapping[Any, Callable[..., Activation]] = {
    torch.sigmoid: _sigmoid,
    F.sigmoid: _sigmoid,
    torch.tanh: _tanh,
    F.tanh: _tanh,
    torch.relu: _relu,
    F.relu: _relu,
    F.leaky_relu: _leaky_relu,
    F.elu: _elu,
    F.selu: _selu,
    F.gelu: _gelu,
    F.silu: _silu,
    F.mish: _mish,
    F.softplus: _softplus,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "clamp": _clamp,
    torch.clamp: _clamp,
}


def activation_of_module(module: nn.Module) -> Activation | None:
    """The activation function that a module is; None if it is none of the known.

    >>> activation_of_module(nn.ReLU()).forward(torch.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    known = _MODULES.get(type(module))
    if known is None:
        return None
    make, names = known
    return make(**{name: operator.attrgetter(name)(module) for name in names})


def activation_of_function(
    function: Any, arguments: Sequence[Any], options: Mapping[str, Any]
) -> Activation | None:
    """The activation of a function, or of a tensor method by its name; None if unknown.

    Args:
        function: The function, or the method's name.
        arguments: What it is called with besides the tensor.
        options: What it is called with by name.
    """
    make = _FUNCTIONS.get(function)
    given = {name: value for name, value in options.items() if name != "inplace"}
    try:
        return None if make is None else make(*arguments, **given)
    except TypeError:  # an option that the table does not know
        return None


MODULES = tuple(_MODULES)
