"""Transforms of whole batches: mixup and CutMix, and how a Recipe uses them.

Label smoothing is torch's: `nn.CrossEntropyLoss(label_smoothing=0.1)`. It takes class numbers and
the mixed targets that come from here alike.
"""

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
