"""The logistic loss: the cross-entropy of a binary classifier, by its margin."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by

from torchclinic.nn.losses.margin_loss import MARGIN_LOSSES, MarginLoss, Reduction


class LogisticLoss(MarginLoss):
    r"""Negative log-likelihood of the right class when its log-odds are the margin.

    $L(m) = \ln(1 + e^{-m})$, divided by $\ln 2$ in bits.

    In nats it is `nn.SoftMarginLoss` for targets of -1 and 1 and `nn.BCEWithLogitsLoss` for those
    of 0 and 1. In bits it is 1 at margin 0 and never below the 0-1 loss.

    **Shape**: as for `MarginLoss`. **Units**: nats or bits.

    Args:
        bits: Whether the unit is the bit.
        reduction: "mean", "sum" or "none".

    Source: Friedman, Hastie and Tibshirani 2000, "Additive Logistic Regression",
    doi 10.1214/aos/1016218223.

    >>> import torch
    >>> LogisticLoss(bits=True)(torch.zeros(1), torch.ones(1)).item()
    1.0
    """

    name = "logistic"

    def __init__(self, *, bits: bool = False, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.bits = bits

    def of_margin(self, margin: Tensor) -> Tensor:
        """The loss of each margin."""
        losses = F.softplus(-margin)
        return losses / math.log(2) if self.bits else losses


MARGIN_LOSSES.add(LogisticLoss.name, LogisticLoss)
