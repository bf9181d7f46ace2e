"""Successive rounds: many candidates briefly, the best ones longer, the winner against controls."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from torchclinic.clinic.narrator import Narrator, silent
from torchclinic.clinic.search.budget import Budget, Plan
from torchclinic.clinic.search.candidates import (
    LR,
    Candidate,
    Workshop,
    certain,
    flatten,
    suggested,
)
from torchclinic.clinic.search.scoring import (
    TOLERANCE,
    Score,
    expected_by_draw,
    median_curve,
    score,
)
from torchclinic.core.finding import Diagnosis
from torchclinic.core.recipe import Recipe
from torchclinic.core.repair import ArmResult
from torchclinic.engine import ArmRun, Runner, run_arms
from torchclinic.remedies import REMEDIES


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
DRAWS = 3  # fewest random controls: one lucky draw must not stand for all
POOR_DUEL = dataclasses.replace(DUEL, part=0.57)  # with fewer seeds than draws

SEARCH_SEEDS = (7001, 7002, 7003)  # none of them is used in the proof
RERUN_SEEDS = (7101, 7102, 7103)
FEWEST_STEPS = 120  # a shorter run ranks noise
SHORTEST_STEPS = 30  # of a training that is short itself
MOST_SINGLES = 7
SURVIVORS = 4
SHOWS_LATE = frozenset({"CRV103"})  # overfitting: such runs get their full length or none
WRONG_RATE = frozenset({"LRN101", "LRN102", "GRD101"})
OPTIMIZER_REMEDIES = frozenset({LR, "adamw", "momentum"})

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


@dataclass(frozen=True)
class SearchResult:
    """What the search found.

    Attributes:
        chosen: The candidate that goes into the proof; None when nothing beats the controls.
        arms: Everything that was tried, best first.
        refused: Remedy -> why it did not fit.
    """

    chosen: Candidate | None
    arms: tuple[ArmResult, ...]
    refused: dict[str, str]


def search(
    recipe: Recipe,
    diagnosis: Diagnosis,
    budget: Budget,
    *,
    higher_is_better: bool,
    seed: int = 0,
    narrate: Narrator = silent,
    runner: Runner = run_arms,
) -> SearchResult:
    """Find the change that moves the outcome most, by intervention.

    Round 1 tries each fitting remedy alone and with a re-tested learning rate; round 2 tries the
    best ones longer, and their combinations; round 3 sets the best against the unchanged recipe,
    a plain re-run on other seeds, and as many random remedies as the best arm has.

    Args:
        recipe: The faulty recipe, on the search's data: its validation part is chosen by.
        diagnosis: What the rules said of it.
        budget: What may be spent; booked as it is spent.
        higher_is_better: Direction of the score.
        seed: Of the random remedies and of the models built on the way.
        narrate: Called with a line at each stage.
        runner: Executes the runs, as `run_arms` does.
    """
    hunt = _Hunt(recipe, diagnosis, budget, higher_is_better, seed, narrate, runner)
    return hunt.run()


class _Hunt:
    def __init__(
        self,
        recipe: Recipe,
        diagnosis: Diagnosis,
        budget: Budget,
        higher_is_better: bool,
        seed: int,
        narrate: Narrator,
        runner: Runner,
    ) -> None:
        self.base = Candidate((), recipe)
        self.diagnosis = diagnosis
        self.budget = budget
        self.higher_is_better = higher_is_better
        self.seed = seed
        self.narrate = narrate
        self.run_arms = runner
        self.workshop = Workshop(diagnosis.case, budget, seed)
        self.arms: dict[str, Arm] = {}
        late = diagnosis.root is not None and diagnosis.root.code in SHOWS_LATE
        short = min(FEWEST_STEPS, max(SHORTEST_STEPS, budget.full_steps // 3))
        self.fewest = budget.full_steps if late else short

    def run(self) -> SearchResult:
        faulty = Arm(self.base, kind="faulty")
        self.arms[FAULTY] = faulty
        singles = self._singles()
        self._play([faulty, *singles], ALL)
        second = self._combinations(self._best(singles, SURVIVORS))
        self._play([faulty, *second], BEST)
        finalists = self._best([*singles, *second], 2)
        winner = self._duel(faulty, finalists) if finalists else None
        results = [
            arm.result(name, chosen=winner is not None and arm is winner)
            for name, arm in self.arms.items()
        ]
        chosen = winner.candidate if winner is not None else None
        return SearchResult(chosen, _best_first(results, self.arms), self.workshop.refused)

    # -- rounds -------------------------------------------------------------------------------

    def _singles(self) -> list[Arm]:
        """The mistakes corrected; each further remedy on top, alone and with a new rate."""
        sure = certain(self.diagnosis)
        base = self.workshop.extend_all(self.base, sure)
        found: list[Candidate | None] = [base] if base.remedies else []
        if base.remedies:
            found.append(self.workshop.extend(base, LR, priority=0))
        wanted = [name for name in suggested(self.diagnosis) if name not in base.remedies]
        alone, rated = [], []
        for rank, name in enumerate(wanted[:MOST_SINGLES]):
            single = self.workshop.extend(base, name, priority=rank + 1)
            alone.append(single)
            if single is not None and name not in OPTIMIZER_REMEDIES:
                rated.append(self.workshop.extend(single, LR))
        first, second = (rated, alone) if self._rate_matters() else (alone, rated)
        found += [*first, *second]
        return [self._arm(candidate) for candidate in found if candidate is not None]

    def _rate_matters(self) -> bool:
        """Whether updates have the wrong size: a change alone then shows little at first."""
        return any(finding.code in WRONG_RATE for finding in flatten(self.diagnosis.findings))

    def _combinations(self, best: Sequence[Arm]) -> list[Arm]:
        """The best arms, and the best of them joined with the remedies of the others."""
        if not best:
            return []
        joined: list[Arm] = list(best)
        leader = best[0].candidate
        others = dict.fromkeys(name for arm in best[1:] for name in arm.candidate.remedies)
        for name in (*others, "adamw"):
            if name in OPTIMIZER_REMEDIES and OPTIMIZER_REMEDIES & set(leader.remedies):
                continue
            candidate = self.workshop.extend(leader, name)
            if candidate is not None and candidate.name not in self.arms:
                joined.append(self._arm(candidate))
        return joined[: SURVIVORS + 2]

    def _duel(self, faulty: Arm, finalists: Sequence[Arm]) -> Arm | None:
        """The finalists against the unchanged recipe and the controls, on all search seeds."""
        size = max(len(arm.candidate.remedies) for arm in finalists)
        rerun = Arm(dataclasses.replace(self.base), kind="re-run")
        self.arms[RERUN] = rerun
        rivals = [faulty, *finalists, rerun]
        rich = self._plan(rivals, DUEL, needed=len(rivals) + 1).seeds >= DRAWS
        plan = self._play(rivals, DUEL if rich else POOR_DUEL, needed=len(rivals) + 1)
        lottery = self._lottery(size, plan)
        if lottery is not None:
            self.arms[RANDOM] = lottery
        best = self._prefer(finalists, faulty)
        bar = max(arm.score.key for arm in (faulty, rerun))
        if lottery is not None:
            bar = max(bar, expected_by_draw(lottery.score, [a.score for a in (faulty, best)]))
        return best if best.score.key > bar else None

    def _lottery(self, size: int, plan: Plan) -> Arm | None:
        """The random control: for each seed a draw of as many remedies as the best arm has."""
        runs: list[ArmRun] = []
        drawn: list[Candidate] = []
        for draw, seed in enumerate(SEARCH_SEEDS[: max(plan.seeds, DRAWS)]):
            candidate = self._random(size, draw)
            if candidate is None:
                return None
            drawn.append(candidate)
            runs += self.run_arms({RANDOM: candidate.recipe}, [seed], max_steps=plan.steps)[RANDOM]
        arm = Arm(drawn[0], kind="random", note="; ".join(candidate.name for candidate in drawn))
        self._record(arm, tuple(runs), plan.steps, DUEL.number)
        return arm

    def _random(self, size: int, draw: int) -> Candidate | None:
        """So many remedies that no finding names, drawn at random."""
        named = {*certain(self.diagnosis), *suggested(self.diagnosis)}
        names = [name for name in REMEDIES if name not in named]
        random.Random(self.seed + draw).shuffle(names)  # noqa: S311
        candidate = self.base
        for name in names:
            if len(candidate.remedies) == size:
                break
            candidate = self.workshop.extend(candidate, name) or candidate
        return candidate if candidate.remedies else None

    # -- bookkeeping --------------------------------------------------------------------------

    def _arm(self, candidate: Candidate) -> Arm:
        return self.arms.setdefault(candidate.name, Arm(candidate))

    def _plan(self, arms: Sequence[Arm], stage: Round, *, needed: int) -> Plan:
        return self.budget.plan(
            stage.part,
            len(_unique(arms)),
            stage.seeds,
            fewest=self.fewest,
            longest=max(self.fewest, round(stage.longest * self.budget.full_steps)),
            needed=needed,
        )

    def _play(self, arms: Sequence[Arm], stage: Round, *, needed: int = 2) -> Plan:
        arms = _unique(arms)
        plan = self._plan(arms, stage, needed=needed)
        arms = arms[: plan.arms]
        self.narrate(f"trying {plan.arms} arms x {plan.seeds} seeds for {plan.steps:,} steps each")
        names = {name: arm for name, arm in self.arms.items() if any(arm is a for a in arms)}
        for rerun, pool in ((False, SEARCH_SEEDS), (True, RERUN_SEEDS)):
            group = {n: a for n, a in names.items() if (a.kind == "re-run") is rerun}
            if group:
                self._run(group, pool[: plan.seeds], plan.steps, stage.number)
        return plan

    def _run(self, group: dict[str, Arm], seeds: tuple[int, ...], steps: int, stage: int) -> None:
        recipes = {name: arm.candidate.recipe for name, arm in group.items()}
        results = self.run_arms(recipes, seeds, max_steps=steps)
        for name, arm in group.items():
            self._record(arm, tuple(results[name]), steps, stage)

    def _record(self, arm: Arm, runs: tuple[ArmRun, ...], steps: int, stage: int) -> None:
        done = sum(len(r.run.history.losses) for r in runs if r.run is not None)
        self.budget.spend(done)
        arm.runs, arm.steps, arm.round = runs, steps, stage
        arm.seconds += sum(r.seconds for r in runs)
        arm.score = score(runs, higher_is_better=self.higher_is_better)

    def _best(self, arms: Sequence[Arm], count: int) -> list[Arm]:
        """The arms that came furthest, by the round they reached and their score in it."""
        fit = [arm for arm in _unique(arms) if arm.score.key > float("-inf")]
        fit.sort(key=lambda arm: (arm.round, arm.score.key), reverse=True)
        return fit[:count]

    def _prefer(self, arms: Sequence[Arm], faulty: Arm) -> Arm:
        """The best arm; among those nearly as good, the one with fewest changes."""
        best = max(arms, key=lambda arm: arm.score.key)
        gain = best.score.key - faulty.score.key
        slack = max(TOLERANCE * gain, best.score.spread / len(SEARCH_SEEDS) ** 0.5)
        near = [arm for arm in arms if best.score.key - arm.score.key <= slack]
        return min(near, key=lambda a: (len(a.candidate.remedies), a.candidate.priority))


def _unique(arms: Sequence[Arm]) -> list[Arm]:
    return list({id(arm): arm for arm in arms}.values())


def _best_first(results: Sequence[ArmResult], arms: dict[str, Arm]) -> tuple[ArmResult, ...]:
    return tuple(sorted(results, key=lambda r: (r.steps, arms[r.name].score.key), reverse=True))
