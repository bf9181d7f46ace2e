"""The proof: faulty against repaired, full length, fresh paired seeds, data nobody chose by."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.clinic.search.scoring import final_value
from torchclinic.clinic.watched_run import often
from torchclinic.core.errors import TrainingError, UsageError
from torchclinic.core.history import Run
from torchclinic.core.recipe import Recipe
from torchclinic.core.verdict import PairedComparison
from torchclinic.engine import ArmRun, Runner, run_arms
from torchclinic.study import paired_comparison
from torchclinic.training import planned_steps

FEWEST_SEEDS = 6  # with n pairs the smallest two-sided sign-flip p is 2 / 2^n


@dataclass(frozen=True)
class Proof:
    """Both arms, seed by seed, how they compare, and the wall time of all runs."""

    before: tuple[Run, ...]
    after: tuple[Run, ...]
    comparison: PairedComparison
    seconds: float


def prove(
    faulty: Recipe,
    repaired: Recipe,
    *,
    seeds: int,
    metric: str,
    higher_is_better: bool,
    chance: float | None = None,
    runner: Runner = run_arms,
) -> Proof:
    """Run both recipes to their end on the same seeds and compare them on the test part.

    Args:
        faulty: With a test part that no choice was made by.
        repaired: On the same data.
        seeds: Number of pairs.
        metric: Name of what is compared.
        higher_is_better: Its direction.
        chance: What a run that diverged counts as; None for a value below all others.
        runner: Executes the runs, as `run_arms` does.

    Raises:
        UsageError: With fewer than 2 seeds.
        TrainingError: When the repaired recipe cannot be run at all.
    """
    if seeds < 2:
        raise UsageError(f"seeds is {seeds}", hint=f"a proof takes {FEWEST_SEEDS} or more")
    chosen = tuple(range(seeds))
    arms = {"faulty": faulty, "repaired": repaired}
    started = time.perf_counter()
    results = runner(arms, chosen, test=True, watch_first=often(planned_steps(faulty)))
    before, after = results["faulty"], results["repaired"]
    for runs in (before, after):
        _insist(runs)
    comparison = paired_comparison(
        [_value(run) for run in before],
        [_value(run) for run in after],
        seeds=chosen,
        metric=metric,
        higher_is_better=higher_is_better,
        chance=chance,
    )
    return Proof(
        before=tuple(run.run for run in before if run.run is not None),
        after=tuple(run.run for run in after if run.run is not None),
        comparison=comparison,
        seconds=time.perf_counter() - started,
    )


def _value(run: ArmRun) -> float:
    return math.nan if run.run is None else final_value(run.run.history)


def _insist(runs: Sequence[ArmRun]) -> None:
    if all(run.run is None for run in runs):
        raise TrainingError(f"no run of the proof could be made: {runs[0].error}")
