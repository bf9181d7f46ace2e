"""The search's controls against its winner: what any repair must beat."""

from __future__ import annotations

from collections.abc import Sequence

from torchclinic.core.repair import ArmResult
from torchclinic.core.verdict import PairedComparison
from torchclinic.study import paired_comparison

CONTROL_NAMES = {"random": "a random remedy", "re-run": "a plain re-run"}


def compare_controls(
    arms: Sequence[ArmResult], *, metric: str, higher_is_better: bool, chance: float | None
) -> dict[str, PairedComparison]:
    """Each control (before) against the chosen arm (after), on the search's own seeds."""
    chosen = next(arm for arm in arms if arm.chosen)
    compared: dict[str, PairedComparison] = {}
    for arm in arms:
        if arm.kind in CONTROL_NAMES and len(arm.scores) == len(chosen.scores):
            compared[CONTROL_NAMES[arm.kind]] = paired_comparison(
                arm.scores,
                chosen.scores,
                seeds=range(len(chosen.scores)),
                metric=metric,
                higher_is_better=higher_is_better,
                chance=chance,
            )
    return compared
