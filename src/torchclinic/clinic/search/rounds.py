"""Rounds: arms run side by side, within the budget, and booked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.clinic.narrator import Narrator
from torchclinic.clinic.search.arm import Arm, unique
from torchclinic.clinic.search.budget import Budget, Plan
from torchclinic.clinic.search.candidates import Candidate
from torchclinic.clinic.search.scoring import score
from torchclinic.engine import ArmRun, Runner


@dataclass(frozen=True)
class Round:
    """How one round spends.

    Attributes:
        number: 1, 2, 3.
        part: Share of what is left in the purse.
        seeds: Seeds of each arm.
        longest: Longest run, as a share of the full training.
    """

    number: int
    part: float
    seeds: int
    longest: float


ALL = Round(1, part=0.4, seeds=1, longest=0.35)
BEST = Round(2, part=0.5, seeds=2, longest=0.6)
DUEL = Round(3, part=0.8, seeds=3, longest=1.0)  # the rest is the random control's
POOR_DUEL = dataclasses.replace(DUEL, part=0.57)  # with fewer seeds than draws

SEARCH_SEEDS = (7001, 7002, 7003)  # none of them is used in the proof
RERUN_SEEDS = (7101, 7102, 7103)


class Rounds:
    """Plays rounds and keeps their arms.

    Args:
        budget: What may be spent; booked as it is spent.
        fewest: Steps that a run needs at least to tell anything.
        higher_is_better: Direction of the score.
        narrate: Called with a line at each round.
        runner: Executes the runs, as `run_arms` does.

    Attributes:
        arms: All arms by name, in the order in which they came.
    """

    def __init__(
        self,
        budget: Budget,
        fewest: int,
        narrate: Narrator,
        runner: Runner,
        *,
        higher_is_better: bool,
    ) -> None:
        self.arms: dict[str, Arm] = {}
        self._budget = budget
        self._fewest = fewest
        self._narrate = narrate
        self._run_arms = runner
        self._higher_is_better = higher_is_better

    def arm(self, candidate: Candidate) -> Arm:
        """The candidate's arm, a new one if it has none."""
        return self.arms.setdefault(candidate.name, Arm(candidate))

    def plan(self, arms: Sequence[Arm], stage: Round, *, needed: int) -> Plan:
        """What the budget allows these arms."""
        return self._budget.plan(
            stage.part,
            len(unique(arms)),
            stage.seeds,
            fewest=self._fewest,
            longest=max(self._fewest, round(stage.longest * self._budget.full_steps)),
            needed=needed,
        )

    def play(self, arms: Sequence[Arm], stage: Round, *, needed: int = 2) -> Plan:
        """Run the arms, or the first of them if the budget is short, and book what they reach."""
        arms = unique(arms)
        plan = self.plan(arms, stage, needed=needed)
        arms = arms[: plan.arms]
        self._narrate(f"trying {plan.arms} arms x {plan.seeds} seeds for {plan.steps:,} steps each")
        names = {name: arm for name, arm in self.arms.items() if any(arm is a for a in arms)}
        for rerun, pool in ((False, SEARCH_SEEDS), (True, RERUN_SEEDS)):
            group = {n: a for n, a in names.items() if (a.kind == "re-run") is rerun}
            if group:
                recipes = {name: arm.candidate.recipe for name, arm in group.items()}
                runs = self._run_arms(recipes, pool[: plan.seeds], max_steps=plan.steps)
                for name, arm in group.items():
                    self._record(arm, tuple(runs[name]), plan, stage)
        return plan

    def draw(self, name: str, drawn: Sequence[Candidate], plan: Plan, stage: Round) -> Arm:
        """Run one candidate a seed, and book all of them as one arm of that name."""
        runs: list[ArmRun] = []
        for candidate, seed in zip(drawn, SEARCH_SEEDS[: len(drawn)], strict=True):
            runs += self._run_arms({name: candidate.recipe}, [seed], max_steps=plan.steps)[name]
        note = "; ".join(candidate.name for candidate in drawn)
        self.arms[name] = Arm(drawn[0], kind="random", note=note)
        self._record(self.arms[name], tuple(runs), plan, stage)
        return self.arms[name]

    def _record(self, arm: Arm, runs: tuple[ArmRun, ...], plan: Plan, stage: Round) -> None:
        done = sum(len(r.run.history.losses) for r in runs if r.run is not None)
        self._budget.spend(done)
        arm.runs, arm.steps, arm.round = runs, plan.steps, stage.number
        arm.seconds += sum(r.seconds for r in runs)
        arm.score = score(runs, higher_is_better=self._higher_is_better)
