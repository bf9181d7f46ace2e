"""What trials have told, for as long as the recipes live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.placement.trial import alone, in_a_stack
from torchclinic.engine.stacked.planning import StackGroup


@dataclass(frozen=True)
class Rate:
    """A stack against its members one by one.

    Attributes:
        members: Of the stack.
        alone: Seconds of a step of one member by itself.
        stacked: Seconds of a step of the whole stack.

    >>> Rate(members=4, alone=1e-3, stacked=2e-3).gain
    2.0
    """

    members: int
    alone: float
    stacked: float

    @property
    def gain(self) -> float:
        """How many times as fast the stack is."""
        return self.members * self.alone / self.stacked

    def __str__(self) -> str:
        each = 1e3 * self.stacked / self.members
        return f"{each:.2f} ms a step in stacks of {self.members}, {1e3 * self.alone:.2f} ms alone"


_known: WeakKeyDictionary[Recipe, dict[int, Rate | None]] = WeakKeyDictionary()


def rate(
    arms: Mapping[str, Recipe], group: StackGroup, cells: Sequence[Cell], seconds: float
) -> Rate | None:
    """What a trial of a stack says, made once; None if it could not be told in that time.

    A study that is run in parts asks for each of them, and is to get one answer: a trial of up to
    twice or half as many members serves too.

    Args:
        arms: Name -> recipe.
        group: The stack's group.
        cells: Its members.
        seconds: That each of the two halves of the trial may take.
    """
    arm, seed = cells[0]
    found = _known.setdefault(arms[arm], {})
    near = [size for size in found if size <= 2 * len(cells) and len(cells) <= 2 * size]
    if near:
        return found[near[0]]
    single = alone(arms[arm], seed, seconds)
    whole = None if single is None else in_a_stack(arms, group, cells, seconds)
    told = None if single is None or whole is None else Rate(len(cells), single, whole)
    found[len(cells)] = told
    return told
