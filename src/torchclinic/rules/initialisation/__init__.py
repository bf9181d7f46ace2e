"""Rules on the weights before training."""

from torchclinic.rules.initialisation.activation_variance import ActivationVariance
from torchclinic.rules.initialisation.dead import DeadAtInit
from torchclinic.rules.initialisation.gradient_variance import GradientVariance
from torchclinic.rules.initialisation.saturated import SaturatedAtInit
from torchclinic.rules.initialisation.symmetric import SymmetricInit

__all__ = [
    "ActivationVariance",
    "DeadAtInit",
    "GradientVariance",
    "SaturatedAtInit",
    "SymmetricInit",
]
