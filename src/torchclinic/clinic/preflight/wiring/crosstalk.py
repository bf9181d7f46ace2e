"""Does a row's output depend on the other rows of its batch, or on chance?"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torchclinic.core.errors import TorchclinicError
from torchclinic.data.structure import rows_of, take_rows, tensors_of
from torchclinic.graph import undisturbed
from torchclinic.training import forward, seeded

ROWS = 4
CHANCE_ROWS = 64
KEPT = 1  # this row stays while the others are exchanged
NOISE = 1e-5  # of the outputs' size: what a sum in another order may change


class Dependence(NamedTuple):
    """What outputs in evaluation mode depend on besides their own row; None if not known.

    Attributes:
        rows: On the other rows of the batch.
        chance: On random numbers.
        noise: How far chance moves them: root mean square of the difference of two passes, over
            the standard deviation between rows.
    """

    rows: bool | None = None
    chance: bool | None = None
    noise: float | None = None


def dependence(model: nn.Module, inputs: Any) -> Dependence:
    """What outputs in evaluation mode depend on besides their own row.

    The same batch is passed twice, which shows chance. Then the other rows of it are exchanged;
    all passes of this comparison begin with the same random state, so that noise is not mistaken
    for rows that mix.

    Args:
        model: The model; it is left as it was.
        inputs: At least eight rows for an answer on the rows, structured as the model takes them.
    """
    rows = rows_of(inputs)
    if not rows:
        return Dependence()
    first = take_rows(inputs, torch.arange(min(ROWS, rows)))
    with undisturbed(model), torch.no_grad():
        model.eval()
        try:
            some = take_rows(inputs, torch.arange(min(CHANCE_ROWS, rows)))
            once, again = _output(model, some), _output(model, some)
            chance = _differ(once, again)
            mixes = _mixes(model, inputs, first) if rows >= 2 * ROWS else None
        except TorchclinicError:
            return Dependence()
    return Dependence(mixes, chance, _noise(once, again))


def _mixes(model: nn.Module, inputs: Any, first: Any) -> bool | None:
    """Whether exchanging the other rows changes a row's output."""
    others = torch.arange(ROWS, 2 * ROWS)
    others[KEPT] = KEPT
    before, again, after = (
        _kept(_seeded_output(model, batch)) for batch in (first, first, take_rows(inputs, others))
    )
    if _differ(before, again) is not False:
        return None  # chance that no seed controls
    if before is not None and before.shape == (ROWS,) and _as_wide_as_the_batch(model, inputs):
        return None  # a matrix of the batch with itself: rows are meant to meet
    return _differ(before, after)


def _as_wide_as_the_batch(model: nn.Module, inputs: Any) -> bool:
    """Whether a batch of one row less gives rows of one number less."""
    output = _seeded_output(model, take_rows(inputs, torch.arange(ROWS - 1)))
    return output is not None and output.shape == (ROWS - 1, ROWS - 1)


def _noise(once: Tensor | None, again: Tensor | None) -> float | None:
    if once is None or again is None or once.shape != again.shape or once.dim() == 0:
        return None
    spread = float(once.std(0).square().mean().sqrt()) if len(once) > 1 else 0.0
    noise = float((once - again).square().mean().sqrt())
    return noise / spread if spread > 0 else None


def _seeded_output(model: nn.Module, batch: Any) -> Tensor | None:
    with seeded(0):
        return _output(model, batch)


def _output(model: nn.Module, inputs: Any) -> Tensor | None:
    output = next(tensors_of(forward(model, inputs)), None)
    return None if output is None or output.numel() == 0 else output.double()


def _kept(output: Tensor | None) -> Tensor | None:
    """The output of the kept row."""
    if output is None or output.dim() == 0 or len(output) != ROWS:
        return None
    return output[KEPT]


def _differ(before: Tensor | None, after: Tensor | None) -> bool | None:
    if before is None or after is None or before.shape != after.shape:
        return None
    size = float(torch.maximum(before.abs().max(), after.abs().max()))
    difference = float((before - after).abs().max())
    return difference > NOISE * size if difference == difference else None  # noqa: PLR0124 - NaN
