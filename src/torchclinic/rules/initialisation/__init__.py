"""Rules on the weights before training."""

from torchclinic.rules.initialisation.activation_variance import ActivationVariance
from torchclinic.rules.initialisation.dead import DeadAtInit
from torchclinic.rules.initialisation.gradient_variance import GradientVariance
from torchclinic.rules.initialisation.growing_stream import GrowingStream
from torchclinic.rules.initialisation.large_embedding import LargeEmbeddingVectors
from torchclinic.rules.initialisation.large_recurrence import LargeRecurrence
from torchclinic.rules.initialisation.saturated import SaturatedAtInit
from torchclinic.rules.initialisation.symmetric import SymmetricInit

__all__ = [
    "ActivationVariance",
    "DeadAtInit",
    "GradientVariance",
    "GrowingStream",
    "LargeEmbeddingVectors",
    "LargeRecurrence",
    "SaturatedAtInit",
    "SymmetricInit",
]
