"""The 8x8 digits that scikit-learn carries: real data without a network."""

from __future__ import annotations

import torch

from torchclinic.core import Splits
from torchclinic.data.split import split


def digits(*, image: bool = False, normalize: bool = True, seed: int = 0) -> Splits:
    """1,797 handwritten digits of 8x8 pixels, 10 classes, 80 % training and 20 % test.

    Args:
        image: Rows of shape (1, 8, 8) instead of (64,).
        normalize: Scale to mean 0 and standard deviation 1 over the training set as a whole;
            otherwise the raw grey values 0 to 16.
        seed: Decides the split.

    Returns:
        Splits with train and test as (float32 inputs, int64 labels).

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998),
    doi:10.24432/C50P49, as in `sklearn.datasets.load_digits`.

    >>> train_x, train_y = digits().train
    >>> train_x.shape, train_y.bincount().min().item()
    (torch.Size([1438, 64]), 140)
    """
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    inputs = torch.as_tensor(pixels, dtype=torch.float32)
    labels = torch.as_tensor(classes, dtype=torch.int64)
    (train_x, train_y), (test_x, test_y) = split((inputs, labels), (0.8, 0.2), seed=seed)
    if normalize:
        mean, std = train_x.mean(), train_x.std()
        train_x, test_x = (train_x - mean) / std, (test_x - mean) / std
    if image:
        train_x, test_x = train_x.reshape(-1, 1, 8, 8), test_x.reshape(-1, 1, 8, 8)
    return Splits(
        train=(train_x, train_y),
        test=(test_x, test_y),
        name="digits",
        meta={"classes": tuple(range(10)), "image": (1, 8, 8)},
    )
