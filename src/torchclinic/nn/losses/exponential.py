"""The exponential loss of boosting."""

from __future__ import annotations

from torch import Tensor

from torchclinic.nn.losses.margin_loss import MARGIN_LOSSES, MarginLoss


class ExponentialLoss(MarginLoss):
    r"""Punishes a wrong decision exponentially in how sure it was.

    $L(m) = e^{-m}$

    **Shape**: as for `MarginLoss`.

    Args:
        reduction: "mean", "sum" or "none".

    Source: Freund and Schapire 1997, doi 10.1006/jcss.1997.1504; as a loss, Friedman, Hastie and
    Tibshirani 2000, "Additive Logistic Regression", doi 10.1214/aos/1016218223.

    >>> import torch
    >>> ExponentialLoss()(torch.tensor([0.0]), torch.tensor([1])).item()
    1.0
    """

    name = "exponential"

    def of_margin(self, margin: Tensor) -> Tensor:
        """The loss of each margin."""
        return (-margin).exp()


MARGIN_LOSSES.add(ExponentialLoss.name, ExponentialLoss)
