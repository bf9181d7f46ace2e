"""Layers that torch lacks."""

from torchclinic.nn.destandardise import Destandardise
from torchclinic.nn.residual import Residual
from torchclinic.nn.standardise import Standardise

__all__ = ["Destandardise", "Residual", "Standardise"]
