"""Losses of all members with their gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchclinic.training import loss_kind, loss_option


class StackedLoss(ABC):
    """A mean loss over each member's rows, and its gradient with respect to the outputs."""

    @abstractmethod
    def __call__(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses, of shape (members,), and the gradient.

        Args:
            z: Outputs, of shape (members, rows, outputs).
            y: Targets, (members, rows, ...).
        """


class StackedCrossEntropy(StackedLoss):
    """Cross-entropy with class numbers.

    Args:
        smoothing: Each member's label smoothing.
        like: A tensor of the outputs' type.
    """

    def __init__(self, smoothing: Sequence[float], like: Tensor) -> None:
        values = torch.tensor(smoothing, dtype=torch.float64).to(like.device, like.dtype)
        self._smoothing = values[:, None, None] if any(smoothing) else None

    def __call__(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and their gradient."""
        rows, classes = z.shape[1:]
        logs = torch.log_softmax(z, 2)
        index = y.unsqueeze(2)
        losses = logs.gather(2, index).mean((1, 2)).neg_()
        gradient = logs.exp()
        if self._smoothing is None:
            one = torch.full((), -1.0, dtype=z.dtype, device=z.device).expand(index.shape)
            return losses, gradient.scatter_add_(2, index, one).div_(rows)
        smoothing = self._smoothing
        flat = logs.mean(2).mean(1).neg_()
        losses = torch.lerp(losses, flat, smoothing[:, 0, 0])
        gradient.sub_(smoothing / classes)
        gradient.scatter_add_(2, index, (smoothing - 1).expand(index.shape))
        return losses, gradient.div_(rows)


class StackedMeanSquaredError(StackedLoss):
    """Mean squared error over rows and outputs."""

    def __call__(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and their gradient."""
        difference = z - y
        return difference.square().mean((1, 2)), difference.mul(2 / z[0].numel())


class StackedBinaryCrossEntropy(StackedLoss):
    """Binary cross-entropy of scores (`BCEWithLogitsLoss`)."""

    def __call__(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and their gradient."""
        losses = (z.clamp(min=0) - z * y + torch.log1p(torch.exp(-z.abs()))).mean((1, 2))
        return losses, (torch.sigmoid(z) - y).div_(z[0].numel())


def why_no_loss(loss: Any, outputs: Tensor, targets: Tensor) -> str | None:
    """Why a loss has no formula here; None if it has one.

    Args:
        loss: A recipe's.
        outputs: One member's, for a batch.
        targets: All targets of the training data.
    """
    kind = loss_kind(loss)
    plain = (
        loss_option(loss, "reduction", "mean") == "mean"
        and loss_option(loss, "weight") is None
        and loss_option(loss, "pos_weight") is None
    )
    if kind not in ("cross-entropy", "mse", "bce-with-logits") or not plain:
        return f"the loss {kind} has no formula for stacks"
    if kind == "cross-entropy":
        return _why_no_classes(outputs, targets)
    if targets.shape[1:] != outputs.shape[1:] or targets.dtype != outputs.dtype:
        return "outputs and targets differ in shape or type"
    return None


def stacked_loss(losses: Sequence[Any], like: Tensor) -> StackedLoss:
    """The members' losses, which agree in all but label smoothing, as one."""
    kind = loss_kind(losses[0])
    if kind == "cross-entropy":
        smoothing = [float(loss_option(loss, "label_smoothing", 0.0)) for loss in losses]
        return StackedCrossEntropy(smoothing, like)
    return StackedMeanSquaredError() if kind == "mse" else StackedBinaryCrossEntropy()


def _why_no_classes(outputs: Tensor, targets: Tensor) -> str | None:
    if targets.dtype != torch.int64 or targets.dim() != 1:
        return "the targets are no class numbers"
    if int(targets.min()) < 0 or int(targets.max()) >= outputs.shape[-1]:
        return "targets are ignored or out of range"
    return None
