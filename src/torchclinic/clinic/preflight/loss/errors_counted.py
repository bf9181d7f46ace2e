"""The error of a model on one batch, where it can be counted."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core.facts import LossKind


def countable_error(
    output: Tensor, target: Tensor, kind: LossKind, ignored: int | None = None
) -> float | None:
    """Share of wrong rows, or squared error over the variance of the targets.

    Args:
        output: The tensor that enters the loss.
        target: What it is compared with.
        kind: Kind of the loss.
        ignored: Class number that stands for "no target".

    Returns:
        The error; None where there is no counting it.

    >>> import torch
    >>> countable_error(torch.tensor([[2.0, 1.0]]), torch.tensor([1]), "cross-entropy")
    1.0
    """
    if kind in ("cross-entropy", "nll") and output.dim() > 1:
        classes = target if not target.is_floating_point() else target.argmax(1)
        wrong = output.argmax(1) != classes
        counted = wrong if ignored is None else wrong[classes != ignored]
        return float(counted.float().mean()) if counted.numel() else None
    if output.shape != target.shape:
        return None
    if kind in ("bce", "bce-with-logits"):
        border = 0.5 if kind == "bce" else 0.0
        return float(((output > border) != (target > 0.5)).float().mean())
    if kind in ("mse", "l1", "huber"):
        spread = float(target.float().var(correction=0))
        return float((output - target).float().square().mean()) / spread if spread > 0 else None
    return None
