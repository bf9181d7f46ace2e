"""Rules on inputs and targets."""

from torchclinic.rules.data.changing_rows import ChangingRows
from torchclinic.rules.data.column_order import ColumnOrder
from torchclinic.rules.data.constant_inputs import ConstantOrNonfiniteInputs
from torchclinic.rules.data.contradicting_rows import ContradictingRows
from torchclinic.rules.data.drowned_inputs import DrownedInputs
from torchclinic.rules.data.foreign_validation import ForeignValidation
from torchclinic.rules.data.imbalance import IgnoredMinority
from torchclinic.rules.data.label_range import LabelRange
from torchclinic.rules.data.leaking_column import LeakingColumn
from torchclinic.rules.data.missing_classes import MissingClasses
from torchclinic.rules.data.names_as_numbers import NamesAsNumbers
from torchclinic.rules.data.recoded_targets import RecodedTargets
from torchclinic.rules.data.split_shift import TrainValidationShift
from torchclinic.rules.data.target_outliers import TargetOutliers
from torchclinic.rules.data.unrelated_labels import UnrelatedLabels
from torchclinic.rules.data.unscaled_inputs import UnscaledInputs
from torchclinic.rules.data.unscaled_targets import UnscaledTargets
from torchclinic.rules.data.unshuffled import UnshuffledClasses
from torchclinic.rules.data.untaught_class import UntaughtClass

__all__ = [
    "ChangingRows",
    "ColumnOrder",
    "ConstantOrNonfiniteInputs",
    "ContradictingRows",
    "DrownedInputs",
    "ForeignValidation",
    "IgnoredMinority",
    "LabelRange",
    "LeakingColumn",
    "MissingClasses",
    "NamesAsNumbers",
    "RecodedTargets",
    "TargetOutliers",
    "TrainValidationShift",
    "UnrelatedLabels",
    "UnscaledInputs",
    "UnscaledTargets",
    "UnshuffledClasses",
    "UntaughtClass",
]
