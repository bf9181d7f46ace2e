"""Rules on inputs and targets."""

from torchclinic.rules.data.constant_inputs import ConstantOrNonfiniteInputs
from torchclinic.rules.data.label_range import LabelRange
from torchclinic.rules.data.split_shift import TrainValidationShift
from torchclinic.rules.data.unscaled_inputs import UnscaledInputs
from torchclinic.rules.data.unscaled_targets import UnscaledTargets

__all__ = [
    "ConstantOrNonfiniteInputs",
    "LabelRange",
    "TrainValidationShift",
    "UnscaledInputs",
    "UnscaledTargets",
]
