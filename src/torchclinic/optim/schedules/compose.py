"""Schedules one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from torchclinic.core import Schedule, UsageError
from torchclinic.optim.schedules.rates import group_rates
from torchclinic.optim.shape import check_length, steps_of


@dataclass(frozen=True)
class Composition:
    """A factory of a scheduler that follows several schedules one after the other.

    The rates of each part are those that it gives to an optimizer of the same groups over its own
    length; they are worked out once. (Torch's SequentialLR lets parts that set the rates of the
    groups when they are built, such as CyclicLR, disturb one another.)
    """

    parts: tuple[Schedule, ...]
    at: tuple[float, ...]

    def lengths(self, total_steps: int) -> tuple[int, ...]:
        """Steps of each part.

        Raises:
            UsageError: If one of them has no step.
        """
        ends = [0, *(steps_of(place, total_steps) for place in self.at), total_steps]
        lengths = tuple(after - before for before, after in pairwise(ends))
        if min(lengths) < 1:
            raise UsageError(
                f"in {total_steps} steps with changes at {list(self.at)} the parts are "
                f"{list(lengths)} steps long",
                hint="changes in rising order, each part at least one step, or train longer",
            )
        return lengths

    def __call__(self, optimizer: Optimizer, total_steps: int) -> LambdaLR:
        """The scheduler; step it after each optimizer step."""
        own = [float(group["lr"]) for group in optimizer.param_groups]
        rows = [
            row
            for part, length in zip(self.parts, self.lengths(total_steps), strict=True)
            for row in group_rates(part.factory, length, own)
        ]
        tables = [
            tuple(row[group] / rate if rate else 0.0 for row in rows)
            for group, rate in enumerate(own)
        ]
        return LambdaLR(optimizer, [partial(_look_up, table) for table in tables])


def compose(*parts: Schedule, at: Sequence[float]) -> Schedule:
    """Follow several schedules one after the other.

    Each part sees only its own length: `warm_up(1.0)` rises over the whole of its part.

    Args:
        parts: At least two, all per step or all per epoch.
        at: Where each part but the first begins: whole steps (int) or a share of all (float).

    Raises:
        UsageError: On fewer parts or changes than that, parts of both kinds, or a plateau, whose
            rates nobody knows beforehand; in a training too short for all parts.

    >>> from torchclinic.optim import cosine, warm_up
    >>> both = compose(warm_up(1.0, start=0.5), cosine(), at=[2])
    >>> [round(rate, 2) for rate in both.preview(6)]
    [0.5, 0.75, 1.0, 0.85, 0.5, 0.15]
    """
    if len(parts) < 2 or len(at) != len(parts) - 1:
        raise UsageError(
            f"{len(parts)} parts with {len(at)} changes",
            hint="at least two parts, and for each but the first where it begins",
        )
    for place in at:
        check_length("a change", place)
    kinds = {part.per for part in parts}
    if len(kinds) > 1 or any("Plateau" in repr(part.factory) for part in parts):
        names = ", ".join(f"{part.name} per {part.per}" for part in parts)
        raise UsageError(
            f"these cannot follow one another: {names}",
            hint="all per step or all per epoch, and none that waits for a plateau",
        )
    name = ", then ".join(part.name for part in parts)
    return Schedule(Composition(parts, tuple(at)), per=parts[0].per, name=name)


def _look_up(table: tuple[float, ...], step: int) -> float:
    return table[min(step, len(table) - 1)]
