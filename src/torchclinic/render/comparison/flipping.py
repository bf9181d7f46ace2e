"""Comparisons with any one arm, out of those with the baseline and those of all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torchclinic.core import PairedComparison, StudyComparison, StudyResult
from torchclinic.core.study import Judgement

OPPOSITE: dict[Judgement, Judgement] = {
    "better": "worse",
    "worse": "better",
    "inconclusive": "inconclusive",
}


def against(result: StudyResult, arm: str) -> Sequence[StudyComparison]:
    """Every other arm compared with this one; empty when that was not done.

    Args:
        result: The study.
        arm: With which the others are compared. For the baseline its own family of tests is used,
            for any other arm that of all pairs.
    """
    if arm == result.baseline:
        return result.against_baseline
    there = [one for one in result.pairs if one.before == arm]
    return [*there, *(flipped(one) for one in result.pairs if one.after == arm)]


def flipped(one: StudyComparison) -> StudyComparison:
    """The same comparison seen from the other arm."""
    found = one.comparison
    return replace(
        one,
        before=one.after,
        after=one.before,
        comparison=_turned(found),
        judgement=OPPOSITE[one.judgement],
        sentence="",
    )


def _turned(found: PairedComparison) -> PairedComparison:
    return replace(
        found,
        before=found.after,
        after=found.before,
        mean_difference=-found.mean_difference,
        low=-found.high,
        high=-found.low,
        effect_size=-found.effect_size,
        superiority=1 - found.superiority,
        diverged=(found.diverged[1], found.diverged[0]),
    )
