"""Covariate shift: do the inputs of two data sets come from one distribution?"""

from torchclinic.data.shift.domain import delong_auc, domain_auc
from torchclinic.data.shift.features import (
    FeatureShift,
    compare_features,
    standardised_difference,
)
from torchclinic.data.shift.report import ShiftReport, covariate_shift

__all__ = [
    "FeatureShift",
    "ShiftReport",
    "compare_features",
    "covariate_shift",
    "delong_auc",
    "domain_auc",
    "standardised_difference",
]
