"""Activations by name: which non-linearity an object is, and where it saturates or is silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by


@dataclass(frozen=True)
class Activation:
    """A non-linearity.

    Attributes:
        name: Torch's lower-case function name.
        function: Tensor -> Tensor, with torch's default parameters.
        modules: Module classes that compute it.
        saturated_at: |x| from which it passes (almost) no gradient on both sides, or None.
        silent_at: x at and below which output and gradient are exactly 0, or None.
        aliases: Further function names under which torch offers it.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    modules: tuple[type[nn.Module], ...]
    saturated_at: float | None = None
    silent_at: float | None = None
    aliases: tuple[str, ...] = ()


def _last(function: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: function(x, dim=-1)


# saturated_at, sigmoid: sigmoid'(5) = 0.0066, DeepDiagnosis (Wardat et al. 2022); tanh(x) is
# 2 sigmoid(2x) - 1, so half of it; softsign: where its slope (1 + |x|)^-2 has fallen to the same
# share of its largest, 0.0266; the hard ones: where the slope is exactly 0.
_ALL = (
    Activation("relu", F.relu, (nn.ReLU,), silent_at=0.0),
    Activation("relu6", F.relu6, (nn.ReLU6,), silent_at=0.0),
    Activation("leaky_relu", F.leaky_relu, (nn.LeakyReLU,)),
    Activation("prelu", lambda x: F.leaky_relu(x, 0.25), (nn.PReLU,)),
    Activation("rrelu", F.rrelu, (nn.RReLU,)),
    Activation("elu", F.elu, (nn.ELU,)),
    Activation("celu", F.celu, (nn.CELU,)),
    Activation("selu", F.selu, (nn.SELU,)),
    Activation("gelu", F.gelu, (nn.GELU,)),
    Activation("silu", F.silu, (nn.SiLU,)),
    Activation("mish", F.mish, (nn.Mish,)),
    Activation("hardswish", F.hardswish, (nn.Hardswish,), silent_at=-3.0),
    Activation("softplus", F.softplus, (nn.Softplus,)),
    Activation(
        "sigmoid", torch.sigmoid, (nn.Sigmoid,), saturated_at=5.0, aliases=("special_expit",)
    ),
    Activation("hardsigmoid", F.hardsigmoid, (nn.Hardsigmoid,), saturated_at=3.0),
    Activation("logsigmoid", F.logsigmoid, (nn.LogSigmoid,), aliases=("log_sigmoid",)),
    Activation("tanh", torch.tanh, (nn.Tanh,), saturated_at=2.5),
    Activation("hardtanh", F.hardtanh, (nn.Hardtanh,), saturated_at=1.0),
    Activation("softsign", F.softsign, (nn.Softsign,), saturated_at=5.13),
    Activation("tanhshrink", F.tanhshrink, (nn.Tanhshrink,)),
    Activation("hardshrink", F.hardshrink, (nn.Hardshrink,)),
    Activation("softshrink", F.softshrink, (nn.Softshrink,)),
    Activation("glu", F.glu, (nn.GLU,)),
    Activation("softmax", _last(torch.softmax), (nn.Softmax, nn.Softmax2d)),
    Activation("softmin", _last(F.softmin), (nn.Softmin,)),
    Activation("log_softmax", _last(torch.log_softmax), (nn.LogSoftmax,)),
    Activation("gumbel_softmax", _last(F.gumbel_softmax), ()),
    Activation(
        "threshold", lambda x: F.threshold(x, 0.0, 0.0), (nn.Threshold,), aliases=("_threshold",)
    ),
)
ACTIVATIONS = MappingProxyType({activation.name: activation for activation in _ALL})
_BY_FUNCTION_NAME = {
    alias: activation.name
    for activation in _ALL
    for alias in (activation.name, activation.name + "_", *activation.aliases)
}
# The most derived class first: nn.ReLU6 is a subclass of nn.Hardtanh.
_BY_MODULE = sorted(
    ((module, activation.name) for activation in _ALL for module in activation.modules),
    key=lambda pair: -len(pair[0].__mro__),
)


def activation_name(obj: Any) -> str | None:
    """Torch's lower-case name of the activation that `obj` computes, None if it is none.

    Args:
        obj: A module, a module class, or a function of torch, torch.nn.functional or Tensor;
            in-place twins count as the same activation.

    Returns:
        A key of `ACTIVATIONS`, or None.

    >>> activation_name(nn.LeakyReLU(0.2)), activation_name(torch.relu_), activation_name(nn.Linear)
    ('leaky_relu', 'relu', None)
    """
    kind = obj if isinstance(obj, type) else type(obj)
    if issubclass(kind, nn.Module):
        return next((name for module, name in _BY_MODULE if issubclass(kind, module)), None)
    name = getattr(obj, "__name__", None)
    return _BY_FUNCTION_NAME.get(name) if isinstance(name, str) and _is_torchs(obj) else None


def _is_torchs(function: Any) -> bool:
    bound_to: Any = getattr(function, "__self__", None)
    owner: Any = getattr(function, "__objclass__", bound_to.__class__)
    module = getattr(function, "__module__", None) or owner.__module__
    return isinstance(module, str) and module.partition(".")[0] == "torch"


def saturation_threshold(name: str | None) -> float | None:
    """|x| from which the activation passes almost no gradient on both sides; None if nowhere.

    Source: 5 for the sigmoid (its slope there is 0.0066), DeepDiagnosis, arXiv 2112.11174;
    Rakitianskaia and Engelbrecht 2015, doi 10.1109/SSCI.2015.202, for the notion.

    >>> saturation_threshold("tanh")
    2.5
    """
    known = ACTIVATIONS.get(name or "")
    return known.saturated_at if known else None


def is_saturating(name: str | None) -> bool:
    """Whether the activation flattens out on both sides.

    >>> is_saturating("sigmoid"), is_saturating("relu")
    (True, False)
    """
    return saturation_threshold(name) is not None


def saturated_share(pre: Tensor, name: str | None) -> Tensor:
    """Share of the pre-activations in the flat parts: mean of [|x| >= t].

    Shape: any -> (). Range: 0 to 1; 0 for an activation that does not saturate and for no elements.

    Args:
        pre: Pre-activations.
        name: The activation that follows.

    Returns:
        A 0-dimensional float tensor on the device of `pre`; no `.item()` is taken.

    >>> saturated_share(torch.tensor([-6.0, 0.0, 1.0, 5.0]), "sigmoid")
    tensor(0.5000)
    """
    threshold = saturation_threshold(name)
    if threshold is None or pre.numel() == 0:
        return torch.zeros((), device=pre.device)
    return (pre.detach().abs() >= threshold).float().mean()


def silences(name: str | None) -> bool:
    """Whether the activation outputs exactly 0, with gradient 0, below some point.

    >>> silences("relu"), silences("leaky_relu")
    (True, False)
    """
    known = ACTIVATIONS.get(name or "")
    return known is not None and known.silent_at is not None


def silent_units(pre: Tensor, name: str | None, unit_dim: int = -1) -> Tensor:
    """Which units the activation silences on every row: max over the rows <= the silent point.

    Shape: (..., units at `unit_dim`, ...) -> (units,), boolean. A NaN makes its unit not silent.

    Args:
        pre: Pre-activations; all dimensions but `unit_dim` count as rows.
        name: The activation that follows.
        unit_dim: 1 for convolutions, -1 for linear layers.

    Returns:
        One boolean a unit; all False for an activation that silences nothing, or without rows.

    Source: "silent on every sample" as death, Lu et al. 2019, arXiv 1903.06733.

    >>> silent_units(torch.tensor([[-1.0, 2.0], [-3.0, -1.0]]), "relu").tolist()
    [True, False]
    """
    rows = pre.detach().movedim(unit_dim, -1).reshape(-1, pre.shape[unit_dim])
    known = ACTIVATIONS.get(name or "")
    if known is None or known.silent_at is None or rows.shape[0] == 0:
        return torch.zeros(pre.shape[unit_dim], dtype=torch.bool, device=pre.device)
    return (rows <= known.silent_at).all(dim=0)
