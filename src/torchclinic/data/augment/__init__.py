"""Transforms of whole batches: mixup and CutMix, and how a Recipe uses them."""

from torchclinic.data.augment.augmented import Augmented, AugmentedBatches, augmented
from torchclinic.data.augment.cutmix import CutMix, cutmix
from torchclinic.data.augment.mixup import Mixup, mixup

__all__ = [
    "Augmented",
    "AugmentedBatches",
    "CutMix",
    "Mixup",
    "augmented",
    "cutmix",
    "mixup",
]
