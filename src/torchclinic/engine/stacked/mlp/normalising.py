"""Normalisations of stacks with torch, where no kernel is compiled."""

from __future__ import annotations

import torch
from torch import Tensor

from torchclinic.engine.stacked.native.norms import Normalised, Over

_DIMENSION = {"batch": 1, "layer": 2}


def norm(
    over: Over, x: Tensor, scale: Tensor | None, shift: Tensor | None, eps: float, into: Tensor
) -> Normalised:
    """As `torchclinic.engine.stacked.native.norm`."""
    along = _DIMENSION[over]
    normal, out = into
    mean = x.mean(along, keepdim=True)
    torch.sub(x, mean, out=normal)
    variance = torch.square(normal, out=out).mean(along, keepdim=True)
    inverse = torch.rsqrt(variance + eps)
    normal.mul_(inverse)
    _scaled(normal, scale, shift, out)
    flat = inverse.squeeze(along)
    if over == "layer":
        return Normalised(normal, out, flat, None, None)
    return Normalised(normal, out, flat, mean[:, 0], variance[:, 0])


def norm_back(
    over: Over, d: Tensor, done: Normalised, scale: Tensor | None, out: Tensor
) -> tuple[Tensor, Tensor]:
    """As `torchclinic.engine.stacked.native.norm_back`."""
    along = _DIMENSION[over]
    level = d.sum(1)
    slope = torch.mul(d, done.normal, out=out).sum(1)
    inner = d if scale is None else d * scale.unsqueeze(1)
    # of the normalised values' gradient, what changes neither mean nor variance
    mean = inner.mean(along, keepdim=True)
    lean = torch.mul(inner, done.normal, out=out).mean(along, keepdim=True)
    flat = torch.addcmul(mean, done.normal, lean, out=out)
    torch.sub(inner, flat, out=out).mul_(done.inverse.unsqueeze(along))
    return level, slope


def _scaled(normal: Tensor, scale: Tensor | None, shift: Tensor | None, out: Tensor) -> None:
    if scale is None:
        out.copy_(normal)
    elif shift is None:
        torch.mul(normal, scale.unsqueeze(1), out=out)
    else:
        torch.addcmul(shift.unsqueeze(1), normal, scale.unsqueeze(1), out=out)
