"""Initialisers that torch lacks, and one front door to all."""

from torchclinic.init.gain import gain, second_moment
from torchclinic.init.initialize import auto, initialize
from torchclinic.init.lsuv import lsuv_
from torchclinic.init.report import Filled, InitReport
from torchclinic.init.schemes import SCHEMES, Scheme

__all__ = [
    "SCHEMES",
    "Filled",
    "InitReport",
    "Scheme",
    "auto",
    "gain",
    "initialize",
    "lsuv_",
    "second_moment",
]
