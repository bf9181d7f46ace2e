"""RegroupFacts: views that mix axes, in passes over rows of several numbers and lengths."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.clinic.preflight.wiring.views import Place, Seen, ViewListener, mixing
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import RegroupFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data.structure import map_tensors, rows_of, take_rows, tensors_of
from torchclinic.graph import undisturbed
from torchclinic.training import compute_loss, seeded, split_batch

PRIMES = (7, 11, 13, 17, 19, 23)
LONGEST = 50_000  # numbers in a row; passes over larger ones take too long


def regroup_facts(recipe: Recipe, model: nn.Module, sample: Any) -> tuple[RegroupFacts, ...]:
    """Views of the forward pass and the loss that mix axes whatever the sizes are.

    Two passes differ in the number of rows, both primes; in others an axis of the inputs, and the
    same axis of targets that have it, is cropped to a prime. A pass that raises has been heard up
    to there.

    Args:
        recipe: Defines the loss.
        model: In training mode; it is left as it was.
        sample: Rows of the training data with their targets.
    """
    batches = prime_batches(sample)
    if len(batches) < 2:
        return ()
    counts, (few, more) = tuple(zip(*batches, strict=True))
    shape = next(tensors_of(split_batch(few)[0])).shape
    with undisturbed(model):
        passes = [_heard(recipe, model, few, counts[0]), _heard(recipe, model, more, counts[1])]
        if any(passes[0].values()) and any(passes[1].values()):
            passes += [
                _heard(recipe, model, batch, counts[0]) for batch in _cropped(few, shape, counts[0])
            ]
    return tuple(
        RegroupFacts(line, seen[0].found.was, seen[0].found.now, seen[0].rows, seen[0].merged)
        for line, seen in mixing(passes).items()
    )


def prime_batches(sample: Any) -> list[tuple[int, Any]]:
    """Two batches of primes of rows that divide no other axis of the inputs; fewer if none suit."""
    first = next(tensors_of(split_batch(sample)[0]), None)
    have = rows_of(sample) or 0
    if first is None or first.dim() < 1 or len(first) != have or prod(first.shape[1:]) > LONGEST:
        return []
    counts = [p for p in PRIMES if p <= have and all(size % p for size in first.shape[1:])]
    return [(count, _rows(sample, count)) for count in counts[:2]]


def _rows(sample: Any, count: int) -> Any:
    have = rows_of(sample) or 0
    return take_rows(sample, torch.linspace(0, have - 1, count).round().long())


def _heard(recipe: Recipe, model: nn.Module, batch: Any, rows: int) -> dict[Place, Seen | None]:
    listener = ViewListener(rows)
    with seeded(0), listener:
        try:
            compute_loss(recipe, model, batch)
        except (TorchclinicError, RuntimeError, ValueError, IndexError):
            return listener.seen  # up to there; sizes that are fixed fit no other
    return listener.seen


def _cropped(batch: Any, shape: torch.Size, rows: int) -> Iterator[Any]:
    """The batch with one axis of the inputs shortened, one after the other."""
    for axis, size in enumerate(shape[1:], start=1):
        for shorter in dict.fromkeys((size - 1, _prime_below(size, rows))):
            if shorter is not None and shorter > 2 and shorter != rows:
                yield map_tensors(partial(_shorten, axis=axis, size=size, shorter=shorter), batch)


def _shorten(tensor: Tensor, *, axis: int, size: int, shorter: int) -> Tensor:
    if tensor.dim() <= axis or tensor.shape[axis] != size:
        return tensor
    return tensor.narrow(axis, 0, shorter).contiguous()


def _prime_below(size: int, rows: int) -> int | None:
    """The largest prime below `size`, from 3 on, that is not the number of rows.

    >>> _prime_below(24, 7), _prime_below(8, 7), _prime_below(3, 7)
    (23, 5, None)
    """
    smaller = (n for n in range(size - 1, 2, -1) if n != rows)
    return next((n for n in smaller if all(n % k for k in range(2, int(n**0.5) + 1))), None)
