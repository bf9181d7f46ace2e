"""Rules on the model's structure and on the optimizer against the model."""

from torchclinic.rules.wiring.blind import BlindModel
from torchclinic.rules.wiring.bottleneck import Bottleneck
from torchclinic.rules.wiring.constant_output import ConstantOutput
from torchclinic.rules.wiring.crosstalk import BatchCrosstalk
from torchclinic.rules.wiring.cut_gradient import CutGradient
from torchclinic.rules.wiring.inner_softmax import InnerSoftmax
from torchclinic.rules.wiring.missing_nonlinearity import MissingNonlinearity
from torchclinic.rules.wiring.no_gradient import ParameterWithoutGradient
from torchclinic.rules.wiring.norm_misused import NormMisused
from torchclinic.rules.wiring.not_in_optimizer import ParameterNotInOptimizer
from torchclinic.rules.wiring.one_batch import CannotOverfitOneBatch
from torchclinic.rules.wiring.random_evaluation import RandomEvaluation
from torchclinic.rules.wiring.regrouped_axes import RegroupedAxes
from torchclinic.rules.wiring.unread_input import UnreadInput
from torchclinic.rules.wiring.unregistered import UnregisteredParameters

__all__ = [
    "BatchCrosstalk",
    "BlindModel",
    "Bottleneck",
    "CannotOverfitOneBatch",
    "ConstantOutput",
    "CutGradient",
    "InnerSoftmax",
    "MissingNonlinearity",
    "NormMisused",
    "ParameterNotInOptimizer",
    "ParameterWithoutGradient",
    "RandomEvaluation",
    "RegroupedAxes",
    "UnreadInput",
    "UnregisteredParameters",
]
