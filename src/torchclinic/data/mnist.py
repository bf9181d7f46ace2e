"""MNIST and Fashion-MNIST from IDX files: given, cached, or downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from torchclinic.core import DataError, Splits
from torchclinic.data.download import download as fetch
from torchclinic.data.folders import VARIABLE, cache_folder, data_folders
from torchclinic.data.idx import read_bytes, read_idx

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


@dataclass(frozen=True)
class ImageSet:
    """A data set in MNIST's four files.

    Attributes:
        name: Folder name and name in reports.
        mirrors: Where it can be downloaded.
        sha256: File name -> digest of the gzipped file that the mirrors hold.
        classes: Names of the classes.
    """

    name: str
    mirrors: tuple[str, ...]
    sha256: Mapping[str, str]
    classes: tuple[str, ...]


MNIST = ImageSet(
    name="mnist",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    sha256={
        TRAIN_IMAGES: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        TRAIN_LABELS: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        TEST_IMAGES: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        TEST_LABELS: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    classes=tuple(str(digit) for digit in range(10)),
)
FASHION_MNIST = ImageSet(
    name="fashion-mnist",
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    sha256={
        TRAIN_IMAGES: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        TRAIN_LABELS: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        TEST_IMAGES: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        TEST_LABELS: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    classes=(
        "T-shirt", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
)  # fmt: skip
# The same files are named alike in both sets, so a folder that may hold either is told by its
# labels: digests of the unpacked training labels of MNIST, and of Fashion-MNIST's gzipped ones.
LABEL_DIGESTS = {
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5": "mnist",
    MNIST.sha256[TRAIN_LABELS]: "mnist",
    FASHION_MNIST.sha256[TRAIN_LABELS]: "fashion-mnist",
}


def mnist(*, image: bool = True, normalize: bool = True, download: bool = True) -> Splits:
    """70,000 handwritten digits of 28x28 pixels, 10 classes, 60,000 of them for training.

    The four IDX files (gzipped or not) are looked for in `$TORCHCLINIC_DATA/mnist`, in
    `$TORCHCLINIC_DATA` itself and in the user's cache, and downloaded if they are nowhere.

    Args:
        image: Rows of shape (1, 28, 28) instead of (784,).
        normalize: (x - 0.5) / 0.5 of grey values in [0, 1], so in [-1, 1]; otherwise [0, 1].
        download: Whether to try the network.

    Returns:
        Splits with train and test as (float32 inputs, int64 labels).

    Raises:
        DataError: If the files are nowhere; names what was searched and what is missing.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document
    recognition, Proc. IEEE 86 (1998), doi:10.1109/5.726791.

    >>> len(MNIST.classes)
    10
    """
    return _load(MNIST, image=image, normalize=normalize, download=download)


def fashion_mnist(*, image: bool = True, normalize: bool = True, download: bool = True) -> Splits:
    """70,000 pictures of clothes of 28x28 pixels, 10 classes; arguments as for `mnist`.

    Source: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv:1708.07747.

    >>> FASHION_MNIST.classes[0]
    'T-shirt'
    """
    return _load(FASHION_MNIST, image=image, normalize=normalize, download=download)


def _load(wanted: ImageSet, *, image: bool, normalize: bool, download: bool) -> Splits:
    paths = _find(wanted) or (_fetch(wanted) if download else None)
    if paths is None:
        raise _missing(wanted, "download=False")
    train = _pairs(paths[TRAIN_IMAGES], paths[TRAIN_LABELS], image=image, normalize=normalize)
    test = _pairs(paths[TEST_IMAGES], paths[TEST_LABELS], image=image, normalize=normalize)
    size = (1, 28, 28)
    meta = {"classes": wanted.classes, "image": size}
    return Splits(train=train, test=test, name=wanted.name, meta=meta)


def _find(wanted: ImageSet) -> dict[str, Path] | None:
    for folder in data_folders(wanted.name):
        paths = {name: _existing(folder, name) for name in FILES}
        found = {name: path for name, path in paths.items() if path is not None}
        if len(found) == len(FILES) and _holds(found[TRAIN_LABELS]) in (None, wanted.name):
            return found
    return None


def _existing(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)


def _holds(labels: Path) -> str | None:
    """Which of the known sets a labels file belongs to, None for neither."""
    for content in (labels.read_bytes(), read_bytes(labels)):
        known = LABEL_DIGESTS.get(hashlib.sha256(content).hexdigest())
        if known:
            return known
    return None


def _fetch(wanted: ImageSet) -> dict[str, Path]:
    folder = cache_folder(wanted.name)
    try:
        return {
            name: fetch(f"{name}.gz", wanted.mirrors, wanted.sha256[name], folder) for name in FILES
        }
    except DataError as error:
        raise _missing(wanted, error.message) from error


def _missing(wanted: ImageSet, reason: str) -> DataError:
    searched = ", ".join(str(folder) for folder in data_folders(wanted.name))
    files = ", ".join(f"{name}.gz" for name in FILES)
    return DataError(
        f"{wanted.name} is in none of the folders {searched}, and {reason}",
        hint=f"put {files} into a folder {wanted.name}/ and set {VARIABLE} to the folder above it",
    )


def _pairs(images: Path, labels: Path, *, image: bool, normalize: bool) -> tuple[Tensor, Tensor]:
    pixels, classes = read_idx(images), read_idx(labels)
    if pixels.ndim != 3 or classes.ndim != 1 or len(pixels) != len(classes):
        raise DataError(
            f"{images.name} has shape {pixels.shape} and {labels.name} {classes.shape}",
            hint="images are (rows, height, width) and labels (rows,)",
        )
    inputs = torch.from_numpy(pixels).to(torch.float32).div_(255)
    if normalize:
        inputs.sub_(0.5).div_(0.5)
    shaped = inputs.unsqueeze(1) if image else inputs.flatten(1)
    return shaped, torch.from_numpy(classes).to(torch.int64)
