"""Products of small matrices, compiled on the machine that they run on, where it has a compiler."""

from torchclinic.engine.stacked.native.library import available, prepare
from torchclinic.engine.stacked.native.products import dot, spread

__all__ = ["available", "dot", "prepare", "spread"]
