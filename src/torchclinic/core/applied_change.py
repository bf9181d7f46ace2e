"""AppliedChange: what a remedy did to a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AppliedChange:
    """What a remedy did to a Recipe: kept on the changed Recipe so that it can tell its story.

    Attributes:
        remedy: Registered name of the remedy ("reinitialise").
        title: One line for tables ("He initialisation for ReLU").
        reason: Why it is done, one sentence.
        code: The lines a person would write by hand to make the same change.
        source: Paper or documentation.
    """

    remedy: str
    title: str
    reason: str = ""
    code: str = ""
    source: str = ""
