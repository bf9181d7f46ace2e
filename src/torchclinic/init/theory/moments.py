"""What an activation does to a normal variable: the integrals of mean-field theory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from torchclinic.init.gain import pointwise

# Points z = FINEST * sinh(u), u evenly spaced, in standard deviations: as dense around 0 as large
# variances need. An even number, so that 0, where many slopes jump, lies between two of them.
_HALF_WIDTH, _POINTS, _FINEST = 10.0, 10_000, 1e-3
_NODES = 17  # between which moments are interpolated, over a range of variances


@dataclass(frozen=True, eq=False)
class Moments:
    r"""Of $\varphi(\sqrt q z)$ with $z \sim N(0, 1)$.

    Attributes:
        mean: $E[\varphi]$.
        second: $E[\varphi^2]$.
        slope: $E[\varphi'^2]$.
    """

    mean: Tensor
    second: Tensor
    slope: Tensor

    @property
    def variance(self) -> Tensor:
        """Of the activation's output."""
        return self.second - self.mean**2


def activation_moments(activation: str | nn.Module | None, q: Tensor | float) -> Moments:
    r"""Moments of an activation of normal pre-activations of variance q, by quadrature.

    Of many variances at once, 17 between the smallest and the largest are integrated and the others
    interpolated over log q.

    Shape: q (...) -> each (...), float64.

    Args:
        activation: Torch's function name, a module, or None for the identity.
        q: Variances, at least 0.

    Raises:
        UsageError: For what acts on no single element (softmax, GLU).

    Source: Poole et al. 2016, arXiv 1606.05340; Schoenholz et al. 2017, arXiv 1611.01232.

    >>> found = activation_moments("relu", 4.0)
    >>> [round(float(value), 4) for value in (found.mean, found.second, found.slope)]
    [0.7979, 2.0, 0.5]
    """
    variances = torch.as_tensor(q, dtype=torch.float64)
    flat = variances.flatten()
    if flat.numel() <= _NODES:
        table = _integrals(activation, flat)
    else:
        table = _interpolated(activation, flat)
    return Moments(*(row.view(variances.shape) for row in table))


def _integrals(activation: str | nn.Module | None, q: Tensor) -> Tensor:
    """(3, n) for variances (n,)."""
    u = torch.linspace(-1, 1, _POINTS, dtype=torch.float64)
    u = u * torch.asinh(torch.tensor(_HALF_WIDTH / _FINEST, dtype=torch.float64))
    z = _FINEST * torch.sinh(u)
    weight = torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5 * _FINEST * torch.cosh(u)
    function = pointwise(activation)
    with torch.enable_grad():
        at = (q[:, None].sqrt() * z).requires_grad_()
        value = function(at + 0)  # a copy, should the activation work in place
        (slope,) = torch.autograd.grad(value.sum(), at, allow_unused=True)
    found = value.detach()
    steep = torch.zeros_like(found) if slope is None else slope
    return torch.trapezoid(torch.stack([found, found**2, steep**2]) * weight, u)


def _interpolated(activation: str | nn.Module | None, q: Tensor) -> Tensor:
    """As `_integrals`, of many variances at once."""
    positive = q[q > 0]
    if not len(positive):
        return _integrals(activation, q[:1]).expand(-1, len(q))
    first, last = float(positive.min().log()), float(positive.max().log())
    nodes = torch.linspace(first, last, _NODES, dtype=torch.float64)
    table = _integrals(activation, nodes.exp()) / _orders(nodes.exp())
    share = (q.clamp(min=float(positive.min())).log() - first).clamp(min=0)
    share = share / max(last - first, 1e-12) * (_NODES - 1)
    left = share.floor().long().clamp(max=_NODES - 2)
    table = table[:, left].lerp(table[:, left + 1], (share - left).clamp(0, 1))
    found = table * _orders(q)
    if bool((q == 0).any()):
        found[:, q == 0] = _integrals(activation, q.new_zeros(1))
    return found


def _orders(q: Tensor) -> Tensor:
    """What the three moments are proportional to where the activation is linear."""
    return torch.stack([q.sqrt(), q, torch.ones_like(q)])
