"""Whether compiled kernels compute what torch computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from torchclinic.engine.stacked.native.loading import TYPES
from torchclinic.engine.stacked.native.norms import Over, norm, norm_back
from torchclinic.engine.stacked.native.products import dot, spread

if TYPE_CHECKING:
    from torchclinic.engine.stacked.optimizers import Rule

# Sizes around the kernels' tiles and vectors: (rows, inputs, outputs).
SHAPES = ((1, 1, 1), (2, 3, 5), (5, 17, 7), (7, 33, 13), (32, 70, 10))
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-11}
MEMBERS, STEPS = 2, 3
USUAL = {  # options of the optimizers that are numbers; those of no optimizer's are left out
    "lr": 0.01, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01, "beta1": 0.9,
    "beta2": 0.99, "eps": 1e-3, "alpha": 0.9, "rho": 0.9, "lr_decay": 0.01,
    "initial_accumulator_value": 0.1, "momentum_decay": 0.01,
}  # fmt: skip
Pair = tuple[Tensor, Tensor]


def right() -> bool:
    """Whether all kernels agree with torch on a few small products, norms and steps."""
    return all(_close(pair, dtype) for dtype in TYPES for pair in _pairs(dtype))


def _close(pair: Pair, dtype: torch.dtype) -> bool:
    return torch.allclose(*pair, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def _pairs(dtype: torch.dtype) -> Iterator[Pair]:
    draw = _Draw(dtype)
    for shape in SHAPES:
        yield from _products(shape, draw)
        yield from _norms(shape, draw)
    yield from _updates(draw)


class _Draw:
    """Normal numbers of one type, for each member."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._generator = torch.Generator().manual_seed(0)

    def __call__(self, *size: int) -> Tensor:
        drawn = torch.randn(MEMBERS, *size, generator=self._generator, dtype=torch.float64)
        return drawn.to(self._dtype)


def _products(shape: Sequence[int], draw: _Draw) -> Iterator[Pair]:
    rows, inputs, outputs = shape
    x, weight, bias = draw(rows, inputs), draw(outputs, inputs), draw(outputs)
    d, start = draw(rows, outputs), draw(outputs, inputs)
    yield dot(x, weight, bias, d.clone()), torch.baddbmm(bias[:, None], x, weight.mT)
    yield dot(x, weight, None, d.clone()), torch.bmm(x, weight.mT)
    yield spread(d, weight, x.clone(), transposed=False, add=False), torch.bmm(d, weight)
    into = start.clone()
    yield spread(d, x, into, transposed=True, add=True), start + torch.bmm(d.mT, x)


def _norms(shape: Sequence[int], draw: _Draw) -> Iterator[Pair]:
    from torchclinic.engine.stacked.mlp import normalising

    rows, features, _ = shape
    x, d, scale, shift = draw(rows, features), draw(rows, features), draw(features), draw(features)
    both = torch.stack((x, x))
    kinds: tuple[Over, Over] = ("batch", "layer")
    for over in kinds:
        given = (over, x, scale, shift, 1e-3)
        ours, theirs = (f(*given, torch.empty_like(both)) for f in (norm, normalising.norm))
        yield from _known(ours, theirs)
        back, expected = torch.empty_like(x), torch.empty_like(x)
        sums = norm_back(over, d, ours, scale, back)
        yield from zip(sums, normalising.norm_back(over, d, theirs, scale, expected), strict=True)
        yield back, expected


def _known(ours: Sequence[Tensor | None], theirs: Sequence[Tensor | None]) -> Iterator[Pair]:
    for a, b in zip(ours, theirs, strict=True):
        if a is not None and b is not None:
            yield a, b


def _updates(draw: _Draw) -> Iterator[Pair]:
    from torchclinic.engine.stacked.optimizers import all_rules

    for kind in all_rules():
        for branch in (False, True) if kind.branch else (False,):
            weights, gradients = draw(37), [draw(37) for _ in range(STEPS)]
            ours, theirs = (
                _walked(kind, weights.clone(), gradients, branch=branch, compiled=compiled)
                for compiled in (True, False)
            )
            yield ours, theirs


def _walked(
    kind: type[Rule], weights: Tensor, gradients: Sequence[Tensor], *, branch: bool, compiled: bool
) -> Tensor:
    """The weights after a few steps."""
    flags = {name: branch and name == kind.branch for name in kind.flags}
    table = {name: np.full((STEPS, MEMBERS), USUAL[name]) for name in kind.numbers}
    first = {name: values[:1] for name, values in table.items()}
    rule = kind(flags, first, weights, compiled=compiled)
    rule.prepare(table)
    for step, gradient in enumerate(gradients):
        rule.step(step, weights, gradient.clone())
    return weights
