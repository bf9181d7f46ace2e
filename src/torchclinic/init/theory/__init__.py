"""The theory of initialisation: how signals grow and shrink with depth, predicted and measured."""

from torchclinic.init.theory.measure import measured_variance
from torchclinic.init.theory.moments import Moments, activation_moments
from torchclinic.init.theory.predict import growth, predicted_variance
from torchclinic.init.theory.profile import LayerVariance, VarianceProfile

__all__ = [
    "LayerVariance",
    "Moments",
    "VarianceProfile",
    "activation_moments",
    "growth",
    "measured_variance",
    "predicted_variance",
]
