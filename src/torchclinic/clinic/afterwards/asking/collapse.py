"""collapse(): how far outputs differ between rows, and whether the loss minds if they do not."""

from __future__ import annotations

import math

from torch import Tensor, nn

from torchclinic.clinic.afterwards.asking.stand_in import Answer, StandIn
from torchclinic.core.facts import CollapseFacts

SHRUNK = 0.5  # of the untrained spread between rows, from which the loss is asked
CONSTANTS = 3


def collapse(
    stand_in: StandIn, before: Answer, after: Answer, trained: nn.Module
) -> CollapseFacts | None:
    """Spread of the outputs before and after training, and the loss of a constant output.

    The loss is asked with the untrained output of one row in the place of all rows' outputs, for
    several rows: constants that no training has chosen.

    Args:
        stand_in: Computes the loss.
        before: The loss of an untrained model's outputs.
        after: The loss of the trained model's outputs.
        trained: That model.

    Returns:
        None where outputs are no rows of numbers.
    """
    first, last = _spread(before.outputs[0]), _spread(after.outputs[0])
    if first is None or last is None:
        return None
    asked = last < SHRUNK * first and after.loss < before.loss
    constants = _constants(stand_in, trained, before) if asked else ()
    return CollapseFacts(first, last, before.loss, after.loss, constants)


def _constants(stand_in: StandIn, model: nn.Module, before: Answer) -> tuple[float, ...]:
    rows = before.outputs[0]
    found: list[float] = []
    for place in range(CONSTANTS):
        one = rows[place * len(rows) // CONSTANTS]
        answer = stand_in.ask(model, lambda given, one=one: one.expand(given.shape).clone())
        if answer is None or not math.isfinite(answer.loss):
            return ()
        found.append(answer.loss)
    return tuple(found)


def _spread(outputs: Tensor) -> float | None:
    """Standard deviation between rows over the size, both as root mean squares over columns."""
    if not outputs.is_floating_point() or outputs.dim() < 2 or len(outputs) < 2:
        return None
    rows = outputs.double().reshape(len(outputs), -1)
    size = float(rows.square().mean().sqrt())
    value = float(rows.var(0, correction=0).mean().sqrt()) / size if size > 0 else math.nan
    return value if math.isfinite(value) else None
