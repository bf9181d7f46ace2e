"""The known losses as plain formulas, for comparison with one that is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from torchclinic.core.facts import LossKind

Formula = Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output, target, reduction="none")


def _nll(output: Tensor, target: Tensor) -> Tensor:
    return F.nll_loss(output, target, reduction="none")


def _bce(output: Tensor, target: Tensor) -> Tensor:
    return -(target * output.log() + (1 - target) * (1 - output).log())


def _bce_with_logits(output: Tensor, target: Tensor) -> Tensor:
    return F.softplus(output) - target * output


def _huber(output: Tensor, target: Tensor) -> Tensor:
    away = (output - target).abs()
    return torch.where(away < 1, 0.5 * away.square(), away - 0.5)


ELEMENTWISE: Mapping[LossKind, Formula] = {
    "mse": lambda output, target: (output - target).square(),
    "l1": lambda output, target: (output - target).abs(),
    "huber": _huber,
    "bce": _bce,
    "bce-with-logits": _bce_with_logits,
}
BY_CLASS: Mapping[LossKind, Formula] = {"cross-entropy": _cross_entropy, "nll": _nll}


class Reading(NamedTuple):
    """One way to read a loss.

    Attributes:
        kind: Which loss.
        terms: Its terms, before mean or sum, from output and target.
        broadcasts: Whether one of the two is spread over the other.
    """

    kind: LossKind
    terms: Formula
    broadcasts: bool = False


def readings(output: Tensor, target: Tensor) -> Iterator[Reading]:
    """All readings that output and target of these shapes allow.

    >>> [reading.kind for reading in readings(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))]
    ['cross-entropy', 'nll']
    """
    classes = not target.is_floating_point()
    if classes and output.dim() > 1 and (len(output), *output.shape[2:]) == target.shape:
        for kind, terms in BY_CLASS.items():
            yield Reading(kind, terms)
    if not classes and output.dim() > 1 and output.shape == target.shape:
        yield Reading("cross-entropy", _cross_entropy)
    if output.numel() == target.numel():
        for kind, terms in ELEMENTWISE.items():
            yield Reading(kind, _flat(terms))
    if output.shape != target.shape and _spreads(output, target):
        for kind, terms in ELEMENTWISE.items():
            yield Reading(kind, terms, broadcasts=True)


def _flat(terms: Formula) -> Formula:
    return lambda output, target: terms(output.flatten(), target.flatten())


def _spreads(output: Tensor, target: Tensor) -> bool:
    try:
        torch.broadcast_shapes(output.shape, target.shape)
    except RuntimeError:
        return False
    return True
