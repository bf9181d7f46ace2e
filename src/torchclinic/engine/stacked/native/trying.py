"""Whether compiled kernels compute what torch computes."""

from __future__ import annotations

import torch

from torchclinic.engine.stacked.native.loading import TYPES
from torchclinic.engine.stacked.native.products import dot, spread

# Sizes around the kernels' tiles and vectors: (rows, inputs, outputs).
SHAPES = ((1, 1, 1), (2, 3, 5), (5, 17, 7), (7, 33, 13), (32, 70, 10))
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-11}


def right() -> bool:
    """Whether all kernels agree with torch on a few small products."""
    generator = torch.Generator().manual_seed(0)
    return all(_agree(shape, dtype, generator) for dtype in TYPES for shape in SHAPES)


def _agree(shape: tuple[int, int, int], dtype: torch.dtype, generator: torch.Generator) -> bool:
    rows, inputs, outputs = shape

    def draw(*size: int) -> torch.Tensor:
        return torch.randn(2, *size, generator=generator, dtype=torch.float64).to(dtype)

    x, weight, bias, d = (
        draw(rows, inputs),
        draw(outputs, inputs),
        draw(outputs),
        draw(rows, outputs),
    )
    start = draw(outputs, inputs)
    pairs = (
        (dot(x, weight, bias, d.clone()), torch.baddbmm(bias[:, None], x, weight.mT)),
        (dot(x, weight, None, d.clone()), torch.bmm(x, weight.mT)),
        (spread(d, weight, x.clone(), transposed=False, add=False), torch.bmm(d, weight)),
        (spread(d, x, start.clone(), transposed=True, add=True), start + torch.bmm(d.mT, x)),
    )
    return all(torch.allclose(a, b, rtol=0, atol=TOLERANCE[dtype]) for a, b in pairs)
