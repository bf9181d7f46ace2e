"""Which known loss a hand-written one is: the one that it agrees with on numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from torchclinic.clinic.preflight.loss.known_losses import Reading, readings
from torchclinic.core.facts import LossKind
from torchclinic.training import seeded

AGREES = 1e-4  # relative difference of two ways to compute one loss in float32
REPRODUCES = 0.01  # relative difference up to which a loss is taken for the measured one
SPREAD = 3.0  # of made-up outputs: errors on both sides of huber's border
ROWS = 32  # are enough to compare two formulas
MADE_UP = 2  # pairs besides the recorded one
SMALLEST = 0.02  # probability among made-up outputs, so that an epsilon in a logarithm is no matter


def identify(loss: Callable[[Any, Any], Any], output: Tensor, target: Tensor) -> Reading | None:
    """The known loss that gives the same values, up to a factor: mean, sum, half, flipped.

    It is compared on the output and target given and on two made-up pairs of their shapes and
    kinds, so that agreement is no accident of a fresh model's outputs. Where it is not finite on
    the output given, the made-up ones decide.

    Args:
        loss: Called as `loss(output, target)`.
        output: The model's output.
        target: What it is compared with.

    Returns:
        The reading; None where no known loss agrees.

    >>> rows = torch.tensor([[1.0], [5.0]]), torch.tensor([[3.0], [4.0]])
    >>> identify(lambda output, target: ((output - target) ** 2).mean(), *rows).kind
    'mse'
    """
    output, target = output.detach(), target.detach()
    if not output.is_floating_point() or not (output.numel() and target.numel() and target.dim()):
        return None
    if output.dim() and len(output) == len(target):
        output, target = output[:ROWS], target[:ROWS]
    with torch.no_grad(), seeded(0):
        found = [way for way in readings(output, target) if _agrees(loss, way, output, target)]
    return next(iter(found), None)


def reproduces(kind: LossKind, output: Tensor, target: Tensor, measured: float) -> bool:
    """Whether the plain loss of that kind, as a mean, is the measured one within 1 %.

    The sign does not count: a flipped loss is the same one.
    """
    with torch.no_grad():
        ways = [way for way in readings(output, target) if way.kind == kind]
        return any(
            math.isclose(float(way.terms(output, target).mean()), abs(measured), rel_tol=REPRODUCES)
            for way in ways
        )


def _agrees(loss: Callable[[Any, Any], Any], way: Reading, output: Tensor, target: Tensor) -> bool:
    factors: list[float] = []
    for place, (outputs, targets) in enumerate(_pairs(way.kind, output, target)):
        value, expected = _value(loss, outputs, targets), float(way.terms(outputs, targets).mean())
        if place == 0 and value is not None and not math.isfinite(value):
            continue  # a logarithm of 0, for example
        if value is None or not expected > 0 or not math.isfinite(value):
            return False
        factors.append(value / expected)
    return factors[0] != 0 and all(_close(factor, factors[0]) for factor in factors)


def _pairs(kind: LossKind, output: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    yield output, target
    for _ in range(MADE_UP):
        made = torch.randn_like(output)
        if kind == "bce":
            made = SMALLEST + (1 - 2 * SMALLEST) * torch.rand_like(output)
        elif kind == "nll":
            made = (SPREAD * made).log_softmax(1)
        else:
            made = SPREAD * made
        yield made, target[torch.randperm(len(target), device=target.device)]


def _value(loss: Callable[[Any, Any], Any], output: Tensor, target: Tensor) -> float | None:
    try:
        return float(loss(output, target))
    except Exception:  # noqa: BLE001 - a user's loss may refuse what is no output of its model
        return None


def _close(factor: float, other: float) -> bool:
    return math.isclose(factor, other, rel_tol=AGREES)
