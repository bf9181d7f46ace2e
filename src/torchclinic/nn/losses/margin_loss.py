"""What the losses of a binary classifier's margin have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from torch import Tensor, nn

from torchclinic.core import LossError, Registry

Reduction = Literal["mean", "sum", "none"]
_REDUCTIONS = ("mean", "sum", "none")


class MarginLoss(nn.Module, ABC):
    r"""A loss that looks at nothing but the margin $m = y \, s$.

    $s$ is the score of the positive class and $y$ is 1 for it and -1 for the other, so that a
    margin above 0 is a correct decision.

    **Shape**: scores and targets alike, (N,) or (N, 1) -> (); like them with reduction "none".

    Args:
        reduction: "mean", "sum" or "none".

    Raises:
        LossError: For an unknown reduction.
    """

    name: str  # under which it stands in MARGIN_LOSSES

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in _REDUCTIONS:
            raise LossError(f"reduction is {reduction!r}", hint=f"one of {', '.join(_REDUCTIONS)}")
        self.reduction = reduction

    @abstractmethod
    def of_margin(self, margin: Tensor) -> Tensor:
        """The loss of each margin."""

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        """The loss.

        Args:
            scores: Of the positive class; its decision is their sign.
            targets: Above 0 for the positive class; -1 or 0 for the other.

        Raises:
            LossError: If the shapes differ: they would be broadcast against each other.
        """
        losses = self.of_margin(margins(scores, targets))
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()

    def extra_repr(self) -> str:
        """How it is reduced."""
        return f"reduction={self.reduction!r}"


MARGIN_LOSSES: Registry[type[MarginLoss]] = Registry("margin loss")


def margins(scores: Tensor, targets: Tensor) -> Tensor:
    """Score times the target's sign, -1 for targets that are not above 0.

    Raises:
        LossError: If the shapes differ.

    >>> import torch
    >>> margins(torch.tensor([2.0, 2.0]), torch.tensor([1, 0])).tolist()
    [2.0, -2.0]
    """
    if scores.shape != targets.shape:
        raise LossError(
            f"scores have shape {tuple(scores.shape)} and targets {tuple(targets.shape)}",
            hint="one score a row: reshape one of them with .squeeze(1) or .unsqueeze(1)",
        )
    return scores * (2 * (targets > 0).to(scores.dtype) - 1)
