"""Optimizer steps in one pass over the parameters."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from torchclinic.engine.stacked.native.loading import function

MOST_STATES = 3


def update(
    formula: str,
    p: Tensor,
    g: Tensor,
    coefficients: Tensor,
    states: Sequence[Tensor],
    *,
    maximize: bool,
    flags: int,
) -> None:
    """Make a step in place.

    **Shape**: p and g (members, n), of equal strides; the states (members, n), dense.

    Args:
        formula: Name of the kernel.
        p: Parameters.
        g: Gradients; they are only read.
        coefficients: float64, of shape (members, count), in the kernel's order.
        states: What the optimizer keeps, in the kernel's order.
        maximize: Whether to go up.
        flags: What the kernel branches on, a bit each.
    """
    members, n = p.shape
    kept = [state.data_ptr() for state in states] + [None] * (MOST_STATES - len(states))
    step = states[0].stride(0) if states else 0
    given = (coefficients.data_ptr(), coefficients.shape[1])
    tensors = (p.data_ptr(), g.data_ptr(), p.stride(0))
    sign = -1.0 if maximize else 1.0
    function(formula, p.dtype)(members, n, *given, *tensors, *kept, step, sign, flags)
