"""The hinge loss of support vector machines."""

from __future__ import annotations

from torch import Tensor

from torchclinic.core import LossError
from torchclinic.nn.losses.margin_loss import MARGIN_LOSSES, MarginLoss, Reduction


class HingeLoss(MarginLoss):
    r"""Linear until the margin is wide enough.

    $L(m) = \max(0, \Delta - m)$

    torch has the form for several classes, `nn.MultiMarginLoss`; this is the binary one.

    **Shape**: as for `MarginLoss`.

    Args:
        width: The margin Delta from which the loss is 0.
        reduction: "mean", "sum" or "none".

    Raises:
        LossError: If the width is not above 0.

    Source: Cortes and Vapnik 1995, "Support-Vector Networks", doi 10.1007/BF00994018.

    >>> import torch
    >>> HingeLoss(reduction="none")(torch.tensor([2.0, 0.5, -1.0]), torch.ones(3)).tolist()
    [0.0, 0.5, 2.0]
    """

    name = "hinge"

    def __init__(self, width: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        if not width > 0:
            raise LossError(f"width is {width!r}", hint="a margin above 0; 1 is usual")
        self.width = width

    def of_margin(self, margin: Tensor) -> Tensor:
        """The loss of each margin."""
        return (self.width - margin).relu()


MARGIN_LOSSES.add(HingeLoss.name, HingeLoss)
