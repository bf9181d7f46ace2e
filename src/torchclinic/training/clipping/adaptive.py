"""Adaptive gradient clipping: a gradient may be only so large beside the weights it changes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.training.clipping.units import unit_norms

LEAST_NORM = 1e-3  # of the weights: else units that start at 0 could never leave it
_TINY = 1e-6  # a gradient's norm that is divided by is at least this


@torch.no_grad()
def agc_(
    parameters: Tensor | Iterable[Tensor], clipping: float = 0.01, *, eps: float = LEAST_NORM
) -> None:
    r"""Clip gradients in place, unit by unit, to a share of the norm of the unit's weights.

    $G_i \leftarrow \lambda \frac{\max(\lVert W_i \rVert, \epsilon)}{\lVert G_i \rVert} G_i$
    where $\lVert G_i \rVert > \lambda \max(\lVert W_i \rVert, \epsilon)$

    Call it between `loss.backward()` and `optimizer.step()`. The source leaves out the last linear
    layer: give the parameters of the others to do the same. A gradient that is not finite stays
    so.

    Args:
        parameters: With their gradients; those without one are passed over.
        clipping: Lambda, the largest ratio of the two norms.
        eps: Least norm that weights count as.

    Raises:
        UsageError: If a number is not above 0.

    Source: Brock et al. 2021, "High-Performance Large-Scale Image Recognition Without
    Normalization", equation 3, arXiv 2102.06171.

    >>> weight = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    >>> weight.grad = torch.tensor([[0.03, 0.0], [0.0, 10.0]])
    >>> agc_(weight, 0.01)
    >>> weight.grad.tolist()
    [[0.029999999329447746, 0.0], [0.0, 0.004999999888241291]]
    """
    if not clipping > 0 or not eps > 0:
        raise UsageError(
            f"clipping is {clipping!r} and eps is {eps!r}", hint="numbers above 0; 0.01 and 0.001"
        )
    for parameter in [parameters] if isinstance(parameters, Tensor) else parameters:
        gradient = parameter.grad
        if gradient is None:
            continue
        if gradient.is_sparse:
            parameter.grad = gradient = gradient.coalesce()
            rows = parameter.index_select(0, gradient.indices()[0])
            _clip(gradient.values(), rows, clipping, eps)
        else:
            _clip(gradient, parameter, clipping, eps)


def _clip(gradient: Tensor, weight: Tensor, clipping: float, eps: float) -> None:
    most = clipping * unit_norms(weight).clamp(min=eps)
    norms = unit_norms(gradient)
    gradient.mul_(torch.where(norms > most, most / norms.clamp(min=_TINY), 1.0).to(gradient.dtype))
