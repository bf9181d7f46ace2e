"""The search's controls against its winner: what any repair must beat."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchclinic.clinic.search.scoring import Score, expected_by_draw
from torchclinic.core.repair import ArmResult
from torchclinic.core.verdict import PairedComparison
from torchclinic.study import paired_comparison

CONTROL_NAMES = {"random": "a random remedy", "re-run": "a plain re-run"}


def compare_controls(
    arms: Sequence[ArmResult], *, metric: str, higher_is_better: bool, chance: float | None
) -> dict[str, PairedComparison]:
    """Each control (before) against the chosen arm (after), on the search's own seeds.

    The random control is another draw for each seed: what must be beaten is their mean.
    """
    chosen = next(arm for arm in arms if arm.chosen)
    compared: dict[str, PairedComparison] = {}
    for arm in arms:
        if arm.kind not in CONTROL_NAMES:
            continue
        scores = arm.scores
        if arm.kind == "random":
            scores = _averaged(arm, arms, higher_is_better) * len(chosen.scores)
        if len(scores) == len(chosen.scores):
            compared[CONTROL_NAMES[arm.kind]] = paired_comparison(
                scores,
                chosen.scores,
                seeds=range(len(chosen.scores)),
                metric=metric,
                higher_is_better=higher_is_better,
                chance=chance,
            )
    return compared


def _averaged(
    arm: ArmResult, arms: Sequence[ArmResult], higher_is_better: bool
) -> tuple[float, ...]:
    """What a random remedy is worth on average, as one score; () without draws."""
    found = [Score(other.scores, higher_is_better) for other in (arm, *arms)]
    mean = expected_by_draw(found[0], found[1:])
    if not math.isfinite(mean):
        return ()
    return (mean if higher_is_better else -mean,)
