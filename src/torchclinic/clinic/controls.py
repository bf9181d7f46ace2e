"""The search's controls against its winner: what any repair must beat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

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
        if arm.kind in CONTROL_NAMES and len(arm.scores) == len(chosen.scores):
            compared[CONTROL_NAMES[arm.kind]] = paired_comparison(
                _averaged(arm) if arm.kind == "random" else arm.scores,
                chosen.scores,
                seeds=range(len(chosen.scores)),
                metric=metric,
                higher_is_better=higher_is_better,
                chance=chance,
            )
    return compared


def _averaged(arm: ArmResult) -> tuple[float, ...]:
    finite = [value for value in arm.scores if math.isfinite(value)]
    return (fmean(finite),) * len(arm.scores) if finite else arm.scores
