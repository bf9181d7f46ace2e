"""The norms that `replace_norm` knows, one a file."""

from torchclinic.nn.surgery.norms.batch import BATCH, GHOST, STATISTICS
from torchclinic.nn.surgery.norms.group import GROUP, default_groups
from torchclinic.nn.surgery.norms.instance import INSTANCE
from torchclinic.nn.surgery.norms.layer import LAYER
from torchclinic.nn.surgery.norms.none import NONE
from torchclinic.nn.surgery.norms.registry import NORMS, NormKind, NormOptions
from torchclinic.nn.surgery.norms.rms import RMS
from torchclinic.nn.surgery.norms.spectral import SPECTRAL
from torchclinic.nn.surgery.norms.weight import WEIGHT

__all__ = [
    "BATCH",
    "GHOST",
    "GROUP",
    "INSTANCE",
    "LAYER",
    "NONE",
    "NORMS",
    "RMS",
    "SPECTRAL",
    "STATISTICS",
    "WEIGHT",
    "NormKind",
    "NormOptions",
    "default_groups",
]
