"""Formulas, stateless: of activations on tensors, of curves and labels on plain numbers."""

from torchclinic.functional.activation import (
    ACTIVATIONS,
    Activation,
    activation_name,
    is_saturating,
    saturated_share,
    saturation_threshold,
    silences,
    silent_units,
)
from torchclinic.functional.depth import (
    decades_per_layer,
    factor_per_layer,
    first_over_last,
    spread,
)
from torchclinic.functional.expected_loss import (
    bounded_score_floor,
    label_entropy,
    majority_share,
    sigmoid_floor,
    softmax_floor,
    uniform_loss,
)
from torchclinic.functional.holm import holm_adjusted
from torchclinic.functional.learning import LearningState, learning_state
from torchclinic.functional.noise import step_noise, swing
from torchclinic.functional.orthogonality import orthogonality, orthogonality_gradient
from torchclinic.functional.progress import LearningLimits, Progress
from torchclinic.functional.robust import mad_sigma, median, median_of_means, quantile
from torchclinic.functional.slope import Slope, theil_sen
from torchclinic.functional.smoothing import Block, blocks

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Block",
    "LearningLimits",
    "LearningState",
    "Progress",
    "Slope",
    "activation_name",
    "blocks",
    "bounded_score_floor",
    "decades_per_layer",
    "factor_per_layer",
    "first_over_last",
    "holm_adjusted",
    "is_saturating",
    "label_entropy",
    "learning_state",
    "mad_sigma",
    "majority_share",
    "median",
    "median_of_means",
    "orthogonality",
    "orthogonality_gradient",
    "quantile",
    "saturated_share",
    "saturation_threshold",
    "sigmoid_floor",
    "silences",
    "silent_units",
    "softmax_floor",
    "spread",
    "step_noise",
    "swing",
    "theil_sen",
    "uniform_loss",
]
