"""The 0-1 loss: what one counts, and no gradient reaches."""

from __future__ import annotations

from torch import Tensor

from torchclinic.nn.losses.margin_loss import MARGIN_LOSSES, MarginLoss


class ZeroOneLoss(MarginLoss):
    r"""1 for a wrong decision and 0 for a right one.

    $L(m) = [m \le 0]$

    Its derivative is 0 wherever there is one, so that nothing can be trained with it but by
    methods without gradients; the other margin losses stand in for it.

    **Shape**: as for `MarginLoss`. **Units**: share of errors.

    Args:
        reduction: "mean", "sum" or "none".

    Source: Bartlett, Jordan and McAuliffe 2006, "Convexity, Classification, and Risk Bounds",
    section 2, doi 10.1198/016214505000000907.

    >>> import torch
    >>> ZeroOneLoss()(torch.tensor([2.0, -0.1, 0.3, -5.0]), torch.tensor([1, 1, -1, -1])).item()
    0.5
    """

    name = "zero-one"

    def of_margin(self, margin: Tensor) -> Tensor:
        """The loss of each margin."""
        return (margin <= 0).to(margin.dtype)


MARGIN_LOSSES.add(ZeroOneLoss.name, ZeroOneLoss)
