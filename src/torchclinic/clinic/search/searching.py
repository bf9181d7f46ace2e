"""Successive rounds: many candidates briefly, the best ones longer, the winner against controls."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.clinic.narrator import Narrator, silent
from torchclinic.clinic.search.arm import FAULTY, RANDOM, RERUN, Arm, furthest
from torchclinic.clinic.search.budget import Budget, Plan
from torchclinic.clinic.search.candidates import Candidate, Workshop
from torchclinic.clinic.search.proposals import Proposals
from torchclinic.clinic.search.rounds import ALL, BEST, DUEL, POOR_DUEL, SEARCH_SEEDS, Rounds
from torchclinic.clinic.search.scoring import TOLERANCE, expected_by_draw
from torchclinic.core.finding import Diagnosis
from torchclinic.core.recipe import Recipe
from torchclinic.core.repair import ArmResult
from torchclinic.engine import Runner, run_arms

DRAWS = 3  # fewest random controls: one lucky draw must not stand for all
FEWEST_STEPS = 120  # a shorter run ranks noise
SHORTEST_STEPS = 30  # of a training that is short itself
SURVIVORS = 4
SHOWS_LATE = frozenset({"CRV103"})  # overfitting: such runs get their full length or none


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
    base = Candidate((), recipe)
    workshop = Workshop(diagnosis.case, budget, seed)
    fewest = _fewest_steps(diagnosis, budget)
    rounds = Rounds(budget, fewest, narrate, runner, higher_is_better=higher_is_better)
    winner = _Hunt(base, rounds, Proposals(base, diagnosis, workshop), seed).winner()
    results = [arm.result(name, chosen=arm is winner) for name, arm in rounds.arms.items()]
    results.sort(key=lambda r: (r.steps, rounds.arms[r.name].score.key), reverse=True)
    chosen = winner.candidate if winner is not None else None
    return SearchResult(chosen, tuple(results), workshop.refused)


def _fewest_steps(diagnosis: Diagnosis, budget: Budget) -> int:
    if diagnosis.root is not None and diagnosis.root.code in SHOWS_LATE:
        return budget.full_steps
    return min(FEWEST_STEPS, max(SHORTEST_STEPS, budget.full_steps // 3))


class _Hunt:
    def __init__(self, base: Candidate, rounds: Rounds, proposals: Proposals, seed: int) -> None:
        self._base = base
        self._rounds = rounds
        self._proposals = proposals
        self._seed = seed

    def winner(self) -> Arm | None:
        """The arm that beats all controls, if there is one."""
        faulty = self._rounds.arms[FAULTY] = Arm(self._base, kind="faulty")
        singles = [self._rounds.arm(candidate) for candidate in self._proposals.singles()]
        self._rounds.play([faulty, *singles], ALL)
        second = self._combinations(furthest(singles, SURVIVORS))
        self._rounds.play([faulty, *second], BEST)
        finalists = furthest([*singles, *second], 2)
        return self._duel(faulty, finalists) if finalists else None

    def _combinations(self, best: Sequence[Arm]) -> list[Arm]:
        """The best arms, and the best of them joined with the remedies of the others."""
        if not best:
            return []
        joined = self._proposals.combinations([arm.candidate for arm in best])
        new = {c.name: c for c in joined if c.name not in self._rounds.arms}
        return [*best, *(self._rounds.arm(c) for c in new.values())][: SURVIVORS + 2]

    def _duel(self, faulty: Arm, finalists: Sequence[Arm]) -> Arm | None:
        """The finalists against the unchanged recipe and the controls, on all search seeds."""
        size = max(len(arm.candidate.remedies) for arm in finalists)
        rerun = self._rounds.arms[RERUN] = Arm(dataclasses.replace(self._base), kind="re-run")
        rivals = [faulty, *finalists, rerun]
        needed = len(rivals) + 1
        rich = self._rounds.plan(rivals, DUEL, needed=needed).seeds >= DRAWS
        plan = self._rounds.play(rivals, DUEL if rich else POOR_DUEL, needed=needed)
        lottery = self._lottery(size, plan)
        best = _preferred(finalists, faulty)
        bar = max(arm.score.key for arm in (faulty, rerun))
        if lottery is not None:
            bar = max(bar, expected_by_draw(lottery.score, [a.score for a in (faulty, best)]))
        return best if best.score.key > bar else None

    def _lottery(self, size: int, plan: Plan) -> Arm | None:
        """The random control: for each seed a draw of as many remedies as the best arm has."""
        draws = min(max(plan.seeds, DRAWS), len(SEARCH_SEEDS))
        drawn = [self._proposals.at_random(size, self._seed + draw) for draw in range(draws)]
        fitting = [candidate for candidate in drawn if candidate is not None]
        if len(fitting) < len(drawn):
            return None
        return self._rounds.draw(RANDOM, fitting, plan, DUEL)


def _preferred(arms: Sequence[Arm], faulty: Arm) -> Arm:
    """The best arm; among those nearly as good, the one with fewest changes."""
    best = max(arms, key=lambda arm: arm.score.key)
    gain = best.score.key - faulty.score.key
    slack = max(TOLERANCE * gain, best.score.spread / len(SEARCH_SEEDS) ** 0.5)
    near = [arm for arm in arms if best.score.key - arm.score.key <= slack]
    return min(near, key=lambda a: (len(a.candidate.remedies), a.candidate.priority))
