"""The max-norm constraint: no unit's incoming weights grow beyond a norm."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from torchclinic.core import UsageError


@torch.no_grad()
def max_norm_(parameters: Tensor | Iterable[Tensor], limit: float) -> None:
    r"""Project the weights of each unit, in place, onto the ball of this radius.

    $W_i \leftarrow W_i \min\left(1, \frac{c}{\lVert W_i \rVert}\right)$

    Call it after `optimizer.step()`. The arithmetic is `torch.renorm`. Parameters with fewer than
    two dimensions (biases, norms) are left alone.

    **Shape**: (units, ...), where a unit is a member of the first dimension: a row of a linear
    weight, a filter of a convolution.

    Args:
        parameters: Weights.
        limit: Largest norm c; 3 to 4 are usual beside dropout.

    Raises:
        UsageError: If the limit is not above 0.

    Source: Srivastava et al. 2014, "Dropout", section 5.1,
    jmlr.org/papers/v15/srivastava14a.html.

    >>> weight = torch.tensor([[3.0, 4.0], [0.6, 0.8]])
    >>> max_norm_(weight, 2.5)
    >>> weight.tolist()
    [[1.5, 2.0], [0.6000000238418579, 0.800000011920929]]
    """
    if not limit > 0:
        raise UsageError(f"limit is {limit!r}", hint="a norm above 0; 3 is usual")
    for parameter in [parameters] if isinstance(parameters, Tensor) else parameters:
        if parameter.dim() >= 2:
            parameter.copy_(torch.renorm(parameter, p=2, dim=0, maxnorm=limit))
