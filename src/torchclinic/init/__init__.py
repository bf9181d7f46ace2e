"""Initialisers that torch lacks, one front door to all, and what theory says of them."""

from torchclinic.init.data_scheme import DATA_SCHEMES, DataScheme
from torchclinic.init.gain import gain, second_moment
from torchclinic.init.initialize import auto, initialize
from torchclinic.init.lsuv import lsuv_
from torchclinic.init.report import Filled, InitReport
from torchclinic.init.schemes import SCHEMES, Scheme
from torchclinic.init.theory import (
    VarianceProfile,
    activation_moments,
    growth,
    measured_variance,
    predicted_variance,
)
from torchclinic.init.weight_norm import weight_norm_

__all__ = [
    "DATA_SCHEMES",
    "SCHEMES",
    "DataScheme",
    "Filled",
    "InitReport",
    "Scheme",
    "VarianceProfile",
    "activation_moments",
    "auto",
    "gain",
    "growth",
    "initialize",
    "lsuv_",
    "measured_variance",
    "predicted_variance",
    "second_moment",
    "weight_norm_",
]
