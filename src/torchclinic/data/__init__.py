"""Embedded and file data sets, and batching in memory."""

from torchclinic.data.augment import Augmented, CutMix, Mixup, augmented, cutmix, mixup
from torchclinic.data.batches import Batches, batches, count_rows
from torchclinic.data.csv_file import load_csv
from torchclinic.data.digits import digits
from torchclinic.data.idx import read_idx
from torchclinic.data.mnist import fashion_mnist, mnist
from torchclinic.data.named import load_named
from torchclinic.data.noisy_line import noisy_line
from torchclinic.data.npz_file import load_npz
from torchclinic.data.plane import blobs, circles, moons, spirals
from torchclinic.data.shift import FeatureShift, ShiftReport, covariate_shift
from torchclinic.data.split import split
from torchclinic.data.structure import batch_to, join_batches, map_tensors, rows_of

__all__ = [
    "Augmented",
    "Batches",
    "CutMix",
    "FeatureShift",
    "Mixup",
    "ShiftReport",
    "augmented",
    "batch_to",
    "batches",
    "blobs",
    "circles",
    "count_rows",
    "covariate_shift",
    "cutmix",
    "digits",
    "fashion_mnist",
    "join_batches",
    "load_csv",
    "load_named",
    "load_npz",
    "map_tensors",
    "mixup",
    "mnist",
    "moons",
    "noisy_line",
    "read_idx",
    "rows_of",
    "spirals",
    "split",
]
