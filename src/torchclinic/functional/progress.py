"""Progress: in one word, how a training goes; and where the words begin."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Progress(str, Enum):
    """In one word, how a training goes.

    >>> Progress.STUCK.hurt, Progress.WEAK.hurt, Progress.WEAK.poor
    (True, False, True)
    """

    UNKNOWN = "unknown"  # no run, or too short a one
    DIVERGED = "diverged"  # the loss became non-finite, or ends far above where it was
    STUCK = "stuck"  # no better than a constant prediction and not getting better
    WEAK = "weak"  # has stopped well short of half of the loss
    SLOW = "slow"  # the full training is over, little is learnt, the loss still falls
    LEARNING = "learning"  # on its way
    GOOD = "good"  # has removed most of the loss, or has a high metric

    @property
    def hurt(self) -> bool:
        """It does not learn."""
        return self in (Progress.DIVERGED, Progress.STUCK)

    @property
    def poor(self) -> bool:
        """It learns less than it should, or nothing."""
        return self.hurt or self in (Progress.WEAK, Progress.SLOW)

    @property
    def fine(self) -> bool:
        """It learns."""
        return self in (Progress.LEARNING, Progress.GOOD)


@dataclass(frozen=True)
class LearningLimits:
    """Where the words of `Progress` begin.

    Attributes:
        fewest_steps: Finite losses without which nothing is said.
        good: Share of the constant-prediction loss that a training must have removed to be good.
        good_by_start: The same where only the loss at the start is known to compare with: a loss
            whose smallest value is unknown may never reach half of its start.
        begun: Share removed from which a training that no longer falls is weak instead of stuck.
        underway: Share removed at which a complete training that still falls is not slow.
        pace: Share that it must still remove, at its present rate and over a full training's
            length, for its loss to count as falling.
        skill: Metric, rescaled so that the majority class is 0 and perfection 1, of a good one.
        perfect: The same (or the share removed) of a nearly perfect one.
        complete: Share of the planned steps that counts as the whole training.
        rise: A loss that ends this many times above its best stretch has diverged ...
        rise_share: ... if the rise is also this share of the constant prediction's loss.
        blown: A loss that ends this many times above both its start and the constant's.
    """

    fewest_steps: int = 8
    good: float = 0.5
    good_by_start: float = 0.25
    begun: float = 0.1
    underway: float = 0.4
    pace: float = 0.12
    skill: float = 0.7
    perfect: float = 0.95
    complete: float = 0.9
    rise: float = 2.0
    rise_share: float = 0.5
    blown: float = 1.5


LIMITS = LearningLimits()


@dataclass(frozen=True)
class CurveFacts:
    """The numbers from which `classify` finds the word.

    Attributes:
        removed: Share of the constant prediction's loss that is gone.
        falling: Whether the loss still falls worth mentioning.
        complete: Whether the whole planned training was seen.
        skill: Rescaled metric, None if unknown.
        diverged: Whether the loss is lost for good.
        known: Whether the constant prediction's loss is known; `removed` is of the start's if not.
    """

    removed: float
    falling: bool
    complete: bool
    skill: float | None
    diverged: bool
    known: bool = True


def classify(curve: CurveFacts, limits: LearningLimits = LIMITS) -> Progress:
    """The word for a curve.

    >>> classify(CurveFacts(0.02, falling=False, complete=True, skill=None, diverged=False)).value
    'stuck'
    """
    if curve.diverged:
        return Progress.DIVERGED
    good = limits.good if curve.known else limits.good_by_start
    if curve.removed >= good or (curve.skill is not None and curve.skill >= limits.skill):
        return Progress.GOOD
    if curve.falling:
        slow = curve.complete and curve.removed < limits.underway
        return Progress.SLOW if slow else Progress.LEARNING
    return Progress.STUCK if curve.removed < limits.begun else Progress.WEAK
