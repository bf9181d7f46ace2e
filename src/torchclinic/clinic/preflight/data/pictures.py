"""Which change makes the pictures of one part like those of the other?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

MOST_PIXELS = 4096  # of a picture, in all channels
CHANNELS = (1, 3, 4)


def changes(pictures: Tensor, like: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Changes that a part may have missed, in words, each with the pictures it gives.

    Args:
        pictures: Shape (N, channels, height, width), (N, height, width, channels) or (N, height,
            width).
        like: Pictures of the other part, for the range of their values.
    """
    if pictures.dim() not in (3, 4) or pictures[0].numel() > MOST_PIXELS:
        return
    last = pictures.dim() == 4 and pictures.shape[1] not in CHANNELS
    height, width = (1, 2) if last or pictures.dim() == 3 else (2, 3)
    pictures, like = pictures.float(), like.float()
    ways: list[tuple[str, Callable[[Tensor], Tensor]]] = [
        ("upside down", lambda x: x.flip(height)),
        ("mirrored", lambda x: x.flip(width)),
        ("turned by 180 degrees", lambda x: x.flip(height, width)),
    ]
    if pictures.shape[height] == pictures.shape[width]:
        ways += [
            ("height and width exchanged", lambda x: x.transpose(height, width)),
            ("turned by 90 degrees", lambda x: x.rot90(1, (height, width))),
            ("turned by 270 degrees", lambda x: x.rot90(3, (height, width))),
        ]
    if pictures.dim() == 4 and pictures.shape[-1 if last else 1] == 3:
        ways.append(("channels in reverse order", lambda x: x.flip(-1 if last else 1)))
    low, high = float(pictures.min()), float(pictures.max())
    ways.append(("inverted, dark for light", lambda x: high + low - x))
    for words, change in ways:
        yield words, change(pictures)
    yield from _rescaled(pictures, like)


def _rescaled(pictures: Tensor, like: Tensor) -> Iterator[tuple[str, Tensor]]:
    mean, std = float(pictures.mean()), float(pictures.std())
    wanted, spread = float(like.mean()), float(like.std())
    if std > 0 and spread > 0:
        factor = spread / std
        for number in (255.0, 1 / 255.0):
            if abs(torch.tensor(factor / number).log()) < 0.2:
                words = "multiplied by 255" if number > 1 else "divided by 255"
                yield words, pictures * number
        yield (
            "shifted and scaled to the training part's mean and deviation",
            (pictures - mean) * factor + wanted,
        )
