"""Normalisations in as few passes as they need."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from torchclinic.engine.stacked.native.loading import function

Over = Literal["batch", "layer"]


class Normalised(NamedTuple):
    """What a normalisation computed.

    Attributes:
        normal: The normalised values, (members, rows, features).
        out: Scaled and shifted.
        inverse: One over the standard deviation, by feature or by row.
        mean: By feature; None of a layer normalisation.
        variance: By feature, or None.
    """

    normal: Tensor
    out: Tensor
    inverse: Tensor
    mean: Tensor | None
    variance: Tensor | None


def norm(
    over: Over, x: Tensor, scale: Tensor | None, shift: Tensor | None, eps: float, into: Tensor
) -> Normalised:
    """Normalise over the rows ("batch") or the features ("layer"), then scale and shift.

    Args:
        over: What the mean is taken over.
        x: Of shape (members, rows, features), dense.
        scale: Of shape (members, features), or None.
        shift: Of the same shape and strides, or None.
        eps: Added to the variance.
        into: Memory of shape (2, members, rows, features) for the results.
    """
    members, rows, n = x.shape
    count = n if over == "batch" else rows
    kept = torch.empty((3, members, count), dtype=x.dtype)
    given = (x.data_ptr(), _pointer(scale), _pointer(shift), _step(scale, shift), eps)
    results = (into[0].data_ptr(), into[1].data_ptr())
    if over == "layer":
        kernel = function("layer_norm", x.dtype)
        kernel(members, rows, n, *given, *results, kept[2].data_ptr())
        return Normalised(into[0], into[1], kept[2], None, None)
    kernel = function("batch_norm", x.dtype)
    kernel(members, rows, n, *given, *results, *(part.data_ptr() for part in kept))
    return Normalised(into[0], into[1], kept[2], kept[0], kept[1])


def norm_back(
    over: Over, d: Tensor, done: Normalised, scale: Tensor | None, out: Tensor
) -> tuple[Tensor, Tensor]:
    """The inputs' gradient, into `out`, and the gradients of shift and scale.

    Args:
        over: As it was normalised.
        d: Gradient with respect to the outputs, dense.
        done: What the forward pass gave.
        scale: As it was given.
        out: Memory of the shape of `d`.
    """
    members, rows, n = d.shape
    sums = torch.empty((2, members, n), dtype=d.dtype)
    kernel = function(f"{over}_norm_back", d.dtype)
    given = (d.data_ptr(), done.normal.data_ptr(), _pointer(scale), _step(scale))
    results = (sums[0].data_ptr(), sums[1].data_ptr(), out.data_ptr())
    kernel(members, rows, n, *given, done.inverse.data_ptr(), *results)
    return sums[0], sums[1]


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _step(*tensors: Tensor | None) -> int:
    return next((tensor.stride(0) for tensor in tensors if tensor is not None), 0)
