"""What a study may spend: in updates, seconds or trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torchclinic.core import Recipe, UsageError
from torchclinic.training import planned_steps

_HINT = (
    'updates ("2000 steps"), time ("60s", "10 min") or full trainings ("3x"), of the whole study'
)
_UNITS: dict[str, tuple[Literal["steps", "seconds", "trainings"], float]] = {
    "steps": ("steps", 1.0),
    "step": ("steps", 1.0),
    "s": ("seconds", 1.0),
    "seconds": ("seconds", 1.0),
    "min": ("seconds", 60.0),
    "h": ("seconds", 3600.0),
    "x": ("trainings", 1.0),
}


@dataclass(frozen=True)
class StudyBudget:
    """What a whole study may spend.

    Updates and trainings are shared evenly by all runs, which are cut short where needed: every
    arm gets as many updates a seed as any other. Seconds end the study between two runs, seed
    after seed, so that what is left out leaves whole pairs.

    Attributes:
        amount: How much.
        unit: Of what.

    >>> StudyBudget.of("10 min")
    StudyBudget(amount=600.0, unit='seconds')
    """

    amount: float
    unit: Literal["steps", "seconds", "trainings"]

    @classmethod
    def of(cls, wanted: float | str | StudyBudget | None) -> StudyBudget | None:
        """From a user's word; a bare number counts full trainings.

        Raises:
            UsageError: When the word is no such amount.
        """
        if wanted is None or isinstance(wanted, StudyBudget):
            return wanted
        text = str(wanted).strip().lower()
        unit = next((u for u in sorted(_UNITS, key=len, reverse=True) if text.endswith(u)), "x")
        try:
            amount = float(text.removesuffix(unit))
        except ValueError:
            amount = math.nan
        if not 0 < amount < math.inf:
            raise UsageError(f"the budget is {wanted!r}", hint=_HINT)
        kind, factor = _UNITS[unit]
        return cls(amount * factor, kind)

    @property
    def seconds(self) -> float | None:
        """The time there is; None where the budget is none of time."""
        return self.amount if self.unit == "seconds" else None

    def steps_a_run(self, recipes: Sequence[Recipe], seeds: int, *, spent: int = 0) -> int | None:
        """Updates of each run; None for its full length.

        Args:
            recipes: Of the arms.
            seeds: How many each is run with.
            spent: Updates that were made before (by halving).

        Raises:
            UsageError: When it buys less than one update a run, or the length of a training is
                not known.
        """
        if self.unit == "seconds":
            return None
        full = [planned_steps(recipe) for recipe in recipes]
        each = (self._steps(full) - spent) / (len(recipes) * seeds)
        if each < 1:
            raise UsageError(
                f"the budget of {self} buys less than one update for each of "
                f"{len(recipes) * seeds} runs",
                hint="give more, or fewer arms or seeds",
            )
        longest = max((steps for steps in full if steps is not None), default=None)
        return None if longest is not None and each >= longest else int(each)

    def _steps(self, full: Sequence[int | None]) -> float:
        """All updates that it buys."""
        if self.unit == "steps":
            return self.amount
        known = [steps for steps in full if steps is not None]
        if len(known) < len(full):
            raise UsageError(
                "the budget counts trainings, and the data does not say how long one is",
                hint="give steps= in the recipe, or the budget in steps or seconds",
            )
        return self.amount * sum(known) / len(known)

    def __str__(self) -> str:
        unit = {"steps": " steps", "seconds": " s", "trainings": "x one training"}[self.unit]
        return f"{self.amount:g}{unit}"
