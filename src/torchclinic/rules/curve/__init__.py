"""Rules on what the loss curve looks like in the end."""

from torchclinic.rules.curve.divergence import Divergence
from torchclinic.rules.curve.metric_still import MetricStandsStill
from torchclinic.rules.curve.overfitting import Overfitting
from torchclinic.rules.curve.plateau import Plateau
from torchclinic.rules.curve.stopped_early import StoppedEarly
from torchclinic.rules.curve.underfitting import Underfitting

__all__ = [
    "Divergence",
    "MetricStandsStill",
    "Overfitting",
    "Plateau",
    "StoppedEarly",
    "Underfitting",
]
