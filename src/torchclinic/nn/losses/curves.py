"""The margin losses over the margin, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.nn.losses.margin_loss import MARGIN_LOSSES, MarginLoss


@dataclass(frozen=True)
class MarginCurves:
    """Losses and their derivatives at the same margins.

    Attributes:
        margins: Rising, (points,).
        losses: Name -> loss at each margin.
        slopes: Name -> derivative with respect to the margin, as automatic differentiation has it.
    """

    margins: Tensor
    losses: Mapping[str, Tensor]
    slopes: Mapping[str, Tensor]


def margin_curves(
    losses: Mapping[str, MarginLoss] | None = None,
    *,
    low: float = -3.0,
    high: float = 3.0,
    points: int = 601,
) -> MarginCurves:
    """Every margin loss over a range of margins.

    Args:
        losses: Name -> loss; None for all in `MARGIN_LOSSES` with their usual options.
        low: First margin.
        high: Last margin.
        points: How many, evenly spaced.

    Returns:
        float64 tensors of shape (points,).

    Raises:
        UsageError: If the range or the number makes no sense.

    >>> curves = margin_curves(points=7)
    >>> curves.losses["hinge"].tolist(), curves.slopes["hinge"].tolist()[:2]
    ([4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0], [-1.0, -1.0])
    """
    if not low < high or points < 2:
        raise UsageError(
            f"margins from {low!r} to {high!r} at {points!r} points", hint="low < high, 2 or more"
        )
    if losses is None:
        losses = {name: MARGIN_LOSSES[name]() for name in MARGIN_LOSSES}
    at = torch.linspace(low, high, points, dtype=torch.float64)
    values = {name: loss.of_margin(at) for name, loss in losses.items()}
    return MarginCurves(at, values, {name: _slope(loss, at) for name, loss in losses.items()})


def _slope(loss: MarginLoss, margins: Tensor) -> Tensor:
    free = margins.clone().requires_grad_()
    total = loss.of_margin(free).sum()
    if not total.requires_grad:  # piecewise constant
        return torch.zeros_like(margins)
    return torch.autograd.grad(total, free)[0]
