"""Arm: a candidate in the search, with what its runs reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torchclinic.clinic.search.candidates import Candidate
from torchclinic.clinic.search.scoring import Score, median_curve
from torchclinic.core.repair import ArmResult
from torchclinic.engine import ArmRun

FAULTY, RERUN, RANDOM = "unchanged", "plain re-run", "random remedy"


@dataclass
class Arm:
    """A candidate in the search, with what its runs reached."""

    candidate: Candidate
    kind: str = "candidate"
    note: str = ""
    runs: tuple[ArmRun, ...] = ()
    score: Score = field(default_factory=lambda: Score((), higher_is_better=True))
    round: int = 0
    steps: int = 0
    seconds: float = 0.0

    def result(self, name: str, *, chosen: bool) -> ArmResult:
        """As a value for the report."""
        errors = [run.error for run in self.runs if run.error]
        finished = [run.run for run in self.runs if run.run is not None]
        return ArmResult(
            name=name,
            kind=self.kind,  # type: ignore[arg-type]
            changes=self.candidate.recipe.changes,
            scores=self.score.values,
            curve=median_curve(finished),
            steps=self.steps,
            seconds=self.seconds,
            chosen=chosen,
            note=errors[0] if errors else self.note,
        )


def unique(arms: Sequence[Arm]) -> list[Arm]:
    """The arms without those that are there already."""
    return list({id(arm): arm for arm in arms}.values())


def furthest(arms: Sequence[Arm], count: int) -> list[Arm]:
    """The arms that came furthest, by the round they reached and their score in it."""
    fit = [arm for arm in unique(arms) if arm.score.key > float("-inf")]
    fit.sort(key=lambda arm: (arm.round, arm.score.key), reverse=True)
    return fit[:count]
