"""Rules on inputs and targets."""

from torchclinic.rules.data.constant_inputs import ConstantOrNonfiniteInputs
from torchclinic.rules.data.imbalance import IgnoredMinority
from torchclinic.rules.data.label_range import LabelRange
from torchclinic.rules.data.split_shift import TrainValidationShift
from torchclinic.rules.data.unrelated_labels import UnrelatedLabels
from torchclinic.rules.data.unscaled_inputs import UnscaledInputs
from torchclinic.rules.data.unscaled_targets import UnscaledTargets
from torchclinic.rules.data.unshuffled import UnshuffledClasses

__all__ = [
    "ConstantOrNonfiniteInputs",
    "IgnoredMinority",
    "LabelRange",
    "TrainValidationShift",
    "UnrelatedLabels",
    "UnscaledInputs",
    "UnscaledTargets",
    "UnshuffledClasses",
]
