"""Rules on gradients, activations and updates while the training runs."""

from torchclinic.rules.numerics.dying_relu import DyingRelu
from torchclinic.rules.numerics.exploding import ExplodingGradient
from torchclinic.rules.numerics.forgotten import ForgottenSteps
from torchclinic.rules.numerics.lagging_average import LaggingAverage
from torchclinic.rules.numerics.learning_rate import LearningRateFarOff
from torchclinic.rules.numerics.nonfinite import Nonfinite
from torchclinic.rules.numerics.regularisation import RegularisationDominates
from torchclinic.rules.numerics.update_ratio import UpdateRatio
from torchclinic.rules.numerics.vanishing import VanishingGradient

__all__ = [
    "DyingRelu",
    "ExplodingGradient",
    "ForgottenSteps",
    "LaggingAverage",
    "LearningRateFarOff",
    "Nonfinite",
    "RegularisationDominates",
    "UpdateRatio",
    "VanishingGradient",
]
