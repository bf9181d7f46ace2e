"""The images of an experiment: the digits, or MNIST as the lectures take it."""

from __future__ import annotations

from functools import cache

import torchclinic as tc
from torchclinic.gallery.settings import Settings

FAST_ROWS = 6000  # of MNIST's 60,000, when it is to be fast


def images(settings: Settings, *, flat: bool = True) -> tc.Splits:
    """Training and test images.

    Args:
        settings: Which data; a fast run on MNIST takes 6,000 training and 2,000 test rows.
        flat: Rows of shape (pixels,) instead of (1, height, width).
    """
    return _images(settings.data, settings.fast, flat)


def pixels(settings: Settings) -> int:
    """Values in one image.

    >>> pixels(Settings()), pixels(Settings(data="mnist"))
    (64, 784)
    """
    return 784 if settings.data == "mnist" else 64


def epochs(settings: Settings, mnist: int = 5, digits: int = 40) -> int:
    """Passes over the data: the lecture's on MNIST, more on the digits, which are 42 times fewer.

    A fast run makes a quarter of them, at least one.

    >>> epochs(Settings()), epochs(Settings(fast=True)), epochs(Settings(data="mnist"))
    (40, 10, 5)
    """
    full = mnist if settings.data == "mnist" else digits
    return max(1, full // 4) if settings.fast else full


@cache
def _images(name: str, fast: bool, flat: bool) -> tc.Splits:
    if name == "digits":
        return tc.data.digits(image=not flat)
    whole = tc.data.mnist(image=not flat)
    if not fast:
        return whole
    (x, y), (test_x, test_y) = whole.train, whole.test
    rows, held_out = FAST_ROWS, FAST_ROWS // 3
    return tc.Splits(
        train=(x[:rows], y[:rows]),
        test=(test_x[:held_out], test_y[:held_out]),
        name=f"mnist, first {rows} rows",
        meta=whole.meta,
    )
