"""Losses of a binary classifier by its margin, and their curves."""

from torchclinic.nn.losses.curves import MarginCurves, margin_curves
from torchclinic.nn.losses.exponential import ExponentialLoss
from torchclinic.nn.losses.hinge import HingeLoss
from torchclinic.nn.losses.logistic import LogisticLoss
from torchclinic.nn.losses.margin_loss import MARGIN_LOSSES, MarginLoss, margins
from torchclinic.nn.losses.zero_one import ZeroOneLoss

__all__ = [
    "MARGIN_LOSSES",
    "ExponentialLoss",
    "HingeLoss",
    "LogisticLoss",
    "MarginCurves",
    "MarginLoss",
    "ZeroOneLoss",
    "margin_curves",
    "margins",
]
