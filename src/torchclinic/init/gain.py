"""The gain of an activation: by how much it shrinks what goes through it."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import init

from torchclinic.core import UsageError
from torchclinic.functional import ACTIVATIONS

# Those that are no function of one element shrink nothing that a gain could make up for.
_NOT_ELEMENTWISE = frozenset({"softmax", "log_softmax", "softmin", "gumbel_softmax", "glu"})
_OF_TORCH = frozenset({"sigmoid", "tanh", "relu", "leaky_relu", "selu"})
_HALF_WIDTH, _POINTS = 12.0, 24_001  # of the trapezoid rule; exact to 1e-7, kinks included


def gain(activation: str | None) -> float:
    r"""The factor by which weights are to be larger because of the activation that follows.

    Torch's `calculate_gain` where it has one, else
    $g = 1 / \sqrt{E[\varphi(z)^2]}$ with $z \sim N(0, 1)$: weights of variance $g^2 / n_{in}$ then
    keep the second moment from layer to layer.

    Args:
        activation: Torch's function name; None for none.

    Returns:
        The gain; 1 without an activation and for a softmax or a GLU.

    Raises:
        UsageError: For a name that is no activation of torch.

    Source: He et al. 2015, section 2.2, arXiv 1502.01852; torch.nn.init.calculate_gain.

    >>> round(gain("relu"), 4), round(gain("gelu"), 4), gain(None)
    (1.4142, 1.5335, 1.0)
    """
    if activation is None or activation in _NOT_ELEMENTWISE:
        return 1.0
    if activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise UsageError(f"there is no activation {activation!r}", hint=f"known: {known}")
    if activation in _OF_TORCH:
        return init.calculate_gain(activation)  # type: ignore[arg-type]
    return second_moment(activation) ** -0.5


@lru_cache(maxsize=64)
def second_moment(activation: str) -> float:
    r"""$E[\varphi(z)^2]$ for a standard normal $z$, by the trapezoid rule.

    >>> round(second_moment("relu"), 6)
    0.5
    """
    z = torch.linspace(-_HALF_WIDTH, _HALF_WIDTH, _POINTS, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5
    values = ACTIVATIONS[activation].function(z)
    return float(torch.trapezoid(values**2 * density, z))
