"""What the small nets are made of: activations and norms by name, dropout, checked numbers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from torchclinic.core import ModelError, UsageError
from torchclinic.functional import ACTIVATIONS
from torchclinic.nn.checks import at_least, probability

Factory = Callable[[], nn.Module]
NormFactory = Callable[[int], nn.Module]
LinearFactory = Callable[..., nn.Module]

NORMS_OF_VECTORS: dict[str, NormFactory] = {
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
    "rms": nn.RMSNorm,
}
NORMS_OF_IMAGES: dict[str, NormFactory] = {
    "batch": nn.BatchNorm2d,
    "instance": functools.partial(nn.InstanceNorm2d, affine=True),
    "layer": lambda channels: nn.GroupNorm(1, channels),
}


def activation_of(activation: str | Factory | None) -> nn.Module:
    """A fresh activation module.

    Args:
        activation: Torch's function name ("relu", "sigmoid", "tanh"), a class or another factory
            without arguments, or None for none.

    Raises:
        UsageError: For a name that no activation has, or a factory that returns no module.

    >>> activation_of("tanh"), activation_of(nn.Sigmoid)
    (Tanh(), Sigmoid())
    """
    if activation is None:
        return nn.Identity()
    if isinstance(activation, str):
        known = {n: a.modules[0] for n, a in ACTIVATIONS.items() if _without_arguments(a.modules)}
        if activation not in known:
            raise UsageError(
                f"there is no activation {activation!r}", hint=f"known: {', '.join(known)}"
            )
        return known[activation]()
    return _made(activation, "activation")


def norm_of(norm: str | NormFactory, width: int, known: dict[str, NormFactory]) -> nn.Module:
    """A fresh normalisation layer for so many units or channels.

    Args:
        norm: A name in `known`, or a factory that is given the width.
        width: Units or channels.
        known: Name -> factory.

    Raises:
        UsageError: For an unknown name, or a factory that returns no module.

    >>> norm_of("layer", 3, NORMS_OF_VECTORS)
    LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)
    """
    if not isinstance(norm, str):
        return _made(norm, "norm", width)
    if norm not in known:
        raise UsageError(f"there is no norm {norm!r} here", hint=f"known: {', '.join(known)}")
    return known[norm](width)


@dataclass(frozen=True)
class Between:
    """What stands between the linear maps of a net, checked once.

    Attributes:
        activation: As for `activation_of`.
        norm: As for `norm_of`, or None for none.
        known: Norms by name.
        dropout: As for `dropout_of`; 0 for none.

    Raises:
        UsageError: For numbers or names that make no sense.
    """

    activation: str | Factory | None
    norm: str | NormFactory | None
    known: dict[str, NormFactory]
    dropout: float | Factory

    def __post_init__(self) -> None:
        self.parts(1)
        dropout_of(self.dropout)

    def parts(self, width: int) -> dict[str, nn.Module]:
        """Fresh modules by name, for so many units or channels; what is off is left out."""
        found: dict[str, nn.Module] = {}
        if self.norm is not None:
            found["norm"] = norm_of(self.norm, width, self.known)
        if self.activation is not None:
            found["activation"] = activation_of(self.activation)
        if self.dropout != 0:
            found["dropout"] = dropout_of(self.dropout)
        return found

    def ordered(self, width: int, order: Iterable[str]) -> list[nn.Module]:
        """Those of them that `order` names, in that order."""
        found = self.parts(width)
        return [found[name] for name in order if name in found]


def dropout_of(dropout: float | Factory) -> nn.Module:
    """Torch's Dropout with this probability of zeroing, or what a factory returns.

    Raises:
        UsageError: For a probability outside [0, 1).

    >>> dropout_of(0.3)
    Dropout(p=0.3, inplace=False)
    """
    if isinstance(dropout, int | float):
        return nn.Dropout(probability(dropout, "dropout", below_one=True))
    return _made(dropout, "dropout")


def widths_of(n_layers: int, width: int | Sequence[int]) -> tuple[int, ...]:
    """One width a layer.

    Raises:
        UsageError: If a width is below 1, or there are not as many of them as layers.

    >>> widths_of(3, 100), widths_of(2, (64, 32))
    ((100, 100, 100), (64, 32))
    """
    at_least(n_layers, 0, "n_layers")
    if isinstance(width, int):
        return (at_least(width, 1, "width"),) * n_layers
    widths = tuple(at_least(one, 1, "width") for one in width)
    if len(widths) != n_layers:
        raise UsageError(
            f"width is {list(widths)} and n_layers is {n_layers}", hint="one width a layer"
        )
    return widths


def flat_rows(x: Tensor, features: int, net: str) -> Tensor:
    """Rows as vectors.

    Shape: (N, ...) -> (N, features).

    Raises:
        ModelError: If the rows have another number of values.
    """
    flat = x.flatten(1)
    if isinstance(flat, Tensor) and flat.shape[1] != features:  # torch.fx traces with proxies
        raise ModelError(
            f"{net} takes {features} values a row and was given {tuple(x.shape)}",
            hint=f"build it for rows of {flat.shape[1]}, or reshape them",
        )
    return flat


def _without_arguments(modules: Sequence[type[nn.Module]]) -> bool:
    """Whether the first class of an activation can be built without being told anything."""
    if not modules:
        return False
    parameters = inspect.signature(modules[0]).parameters.values()
    return all(
        p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters
    )


def _made(factory: Callable[..., Any], what: str, *args: Any) -> nn.Module:
    if isinstance(factory, nn.Module) or not callable(factory):
        raise UsageError(
            f"{what} is {factory!r:.60}, not a name or a factory",
            hint="give the class (nn.ReLU), not an instance: each layer gets its own",
        )
    module = factory(*args)
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"the {what} factory returned {module!r:.60}, not an nn.Module",
            hint="give a class such as nn.ReLU, or a function that returns a module",
        )
    return module
