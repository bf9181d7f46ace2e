"""Claim: a sentence of the lectures beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Judgement(str, Enum):
    """What the measurement says of a claim."""

    HOLDS = "holds"
    REFUTED = "refuted"
    NOT_SETTLED = "not settled"


@dataclass(frozen=True)
class Claim:
    """A sentence of the lectures, how it was measured, and what came out.

    Attributes:
        sentence: What the lecture says, in English.
        source: Where it says so: file and section.
        measure: What was measured, in words.
        value: The measured value: the mean over the seeds.
        low: Lower end of its interval over the seeds; `value` for an exact number.
        high: Upper end.
        wanted: What the value is to be if the claim holds ("above 0.9").
        judgement: Whether it is.
        reason: Why, as far as found.
        unit: Of the value; may be empty.
        values: The values by seed, or the one exact value.
    """

    sentence: str
    source: str
    measure: str
    value: float
    low: float
    high: float
    wanted: str
    judgement: Judgement
    reason: str = ""
    unit: str = ""
    values: tuple[float, ...] = ()
