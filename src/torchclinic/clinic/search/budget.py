"""What the search may spend, counted in optimizer updates of the recipe at hand."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core.errors import UsageError

AUTO_SECONDS = 15.0  # what an automatic budget aims at
RANGE_SHARE = 0.4  # of the purse that LR range tests may use up
AUTO_RANGE = (3.0, 20.0)  # multiples of one training
AUTO_STEPS = 6000  # a training of few updates gets more multiples, up to so many updates


@dataclass(frozen=True)
class Plan:
    """So many arms, seeds each, and updates a run."""

    arms: int
    seeds: int
    steps: int


@dataclass
class Budget:
    """A purse of optimizer updates.

    Attributes:
        trainings: Size, in multiples of one full training.
        full_steps: Updates of one full training.
        spent: Updates used so far.
        spent_on_ranges: Those of them that went into LR range tests.

    >>> purse = Budget(trainings=3, full_steps=100)
    >>> purse.spend(120)
    >>> purse.left, purse.spent_trainings
    (180, 1.2)
    """

    trainings: float
    full_steps: int
    spent: int = 0
    spent_on_ranges: int = 0

    @classmethod
    def of(cls, wanted: float | str | None, full_steps: int, step_seconds: float) -> Budget:
        """From a user's word: 3, "3x", or None for as much as about 15 seconds buy.

        Raises:
            UsageError: When the word is no positive number.
        """
        if wanted is None:
            affordable = AUTO_SECONDS / (full_steps * step_seconds)
            low, high = AUTO_RANGE
            most = max(high, AUTO_STEPS / full_steps)
            return cls(min(max(affordable, low), most), full_steps)
        try:
            trainings = float(str(wanted).strip().lower().removesuffix("x"))
        except ValueError:
            trainings = float("nan")
        if not 0 < trainings < float("inf"):
            raise UsageError(f"the budget is {wanted!r}", hint="multiples of one training: 3 or 3x")
        return cls(trainings, full_steps)

    @property
    def left(self) -> int:
        """Updates that may still be spent."""
        return max(0, round(self.trainings * self.full_steps) - self.spent)

    @property
    def spent_trainings(self) -> float:
        """What was spent, in multiples of one training."""
        return self.spent / self.full_steps

    def spend(self, steps: int) -> None:
        """Book `steps` updates."""
        self.spent += steps

    def affords_range(self, steps: int) -> bool:
        """Whether one more LR range test of so many updates may be made."""
        allowed = RANGE_SHARE * self.trainings * self.full_steps
        return self.spent_on_ranges + steps <= min(allowed, self.spent_on_ranges + self.left)

    def spend_on_range(self, steps: int) -> None:
        """Book an LR range test."""
        self.spent_on_ranges += steps
        self.spend(steps)

    def plan(
        self, part: float, arms: int, seeds: int, *, fewest: int, longest: int, needed: int
    ) -> Plan:
        """How `part` of what is left is best spent on `arms` arms.

        Arms are dropped before runs get shorter than `fewest`, and seeds before needed arms; only
        when nothing can be dropped do runs get shorter. The plan never exceeds its part.

        Args:
            part: Share of what is left.
            arms: Arms that would like to run, the most important first.
            seeds: Seeds that each would like.
            fewest: Updates below which a run shows nothing.
            longest: Updates after which nothing more is learnt about an arm.
            needed: Arms that cannot be dropped.
        """
        cap = int(self.left * part)
        fewest = min(fewest, self.full_steps)
        affordable = cap // fewest
        seeds = max(1, min(seeds, affordable // max(needed, 1)))
        kept = max(min(needed, arms), min(arms, affordable // seeds))
        steps = min(cap // max(kept * seeds, 1), longest, self.full_steps)
        return Plan(kept, seeds, max(steps, 1))
