"""Kernels for small nets, compiled on the machine that they run on, where it has a compiler."""

from torchclinic.engine.stacked.native.loading import available, prepare
from torchclinic.engine.stacked.native.norms import Normalised, norm, norm_back
from torchclinic.engine.stacked.native.products import dot, spread
from torchclinic.engine.stacked.native.updates import update

__all__ = [
    "Normalised",
    "available",
    "dot",
    "norm",
    "norm_back",
    "prepare",
    "spread",
    "update",
]
