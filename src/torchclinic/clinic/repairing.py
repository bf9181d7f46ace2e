"""repair(): diagnose, search by intervention, prove over paired seeds."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from torchclinic.clinic.controls import compare_controls
from torchclinic.clinic.diagnosing import diagnose_on
from torchclinic.clinic.environment import environment
from torchclinic.clinic.holdout import Holdout, hold_out
from torchclinic.clinic.judging import chance, judged_by, with_metric
from torchclinic.clinic.narrator import Narrator, silent
from torchclinic.clinic.preflight import gather
from torchclinic.clinic.proof import FEWEST_SEEDS, Proof, prove
from torchclinic.clinic.search import Budget, Candidate, SearchResult, search
from torchclinic.clinic.threads import suited_threads
from torchclinic.clinic.watched_run import step_seconds
from torchclinic.core.errors import TorchclinicError, UsageError
from torchclinic.core.finding import Diagnosis, Level
from torchclinic.core.recipe import Recipe
from torchclinic.core.repair import Cost, Repair
from torchclinic.core.verdict import Outcome, Verdict
from torchclinic.engine import EngineName, Runner, check_engine, engine_session, run_arms
from torchclinic.engine.threads import single_thread
from torchclinic.remedies import write_patch
from torchclinic.rules import judge
from torchclinic.study import healthy_verdict, judge_repair, lr_range_test
from torchclinic.training import planned_steps

UNKNOWN_LENGTH = 1000  # updates that stand for one training where its length is unknown


@dataclass(frozen=True)
class _Job:
    recipe: Recipe
    holdout: Holdout
    seeds: int
    seed: int
    narrate: Narrator
    runner: Runner


def repair(
    recipe: Recipe,
    *,
    seeds: int = FEWEST_SEEDS,
    budget: float | str | None = None,
    seed: int = 0,
    max_seconds: float = 60.0,
    engine: EngineName = "sequential",
    address: str | None = None,
    narrate: Narrator = silent,
) -> Repair:
    """Find what is wrong, find the change that repairs it, and prove it over paired seeds.

    A healthy recipe comes back unchanged. The search chooses on data that the proof does not use,
    and the proof runs on seeds that the search did not use.

    Args:
        recipe: The training that fails.
        seeds: Paired seeds of the proof; with fewer than 6 no result can be significant.
        budget: What the search may spend, in multiples of one full training (3 or "3x"); None for
            about 15 seconds' worth, at least 3 and at most 20 trainings.
        seed: Of everything that is drawn on the way.
        max_seconds: Cap on the watched run of the diagnosis.
        engine: What executes the arms of search and proof; see `run_arms`.
        address: Of a Ray cluster.
        narrate: Called with a line at each stage.

    Returns:
        The repaired recipe, the code that makes the same change, and the verdict.

    Raises:
        UsageError: On a senseless budget or number of seeds.
        TorchclinicError: When the training cannot run and no remedy makes it run.
    """
    if seeds < 2:
        raise UsageError(f"seeds is {seeds}", hint=f"a proof takes {FEWEST_SEEDS} or more")
    check_engine(engine, address)
    Budget.of(budget, full_steps=1, step_seconds=1.0)  # a senseless word fails before the work
    holdout = hold_out(recipe, seed=seed)
    diagnosis = diagnose_on(holdout.search, seed=seed, max_seconds=max_seconds, narrate=narrate)
    runner = partial(run_arms, engine=engine, address=address)
    job = _Job(recipe, _judged(holdout, diagnosis), seeds, seed, narrate, runner)
    if diagnosis.healthy:
        return _healthy(job, diagnosis)
    with engine_session(engine, address=address):
        return _repaired(job, diagnosis, budget)


def _repaired(job: _Job, diagnosis: Diagnosis, budget: float | str | None) -> Repair:
    """Search and proof."""
    started = time.perf_counter()
    purse = _purse(job, budget)
    job.narrate(f"searching with {purse.trainings:.3g} trainings' worth of steps")
    _, higher = judged_by(job.holdout.search)
    found = search(
        job.holdout.search,
        diagnosis,
        purse,
        higher_is_better=higher,
        seed=job.seed,
        narrate=job.narrate,
        runner=job.runner,
    )
    cost = Cost(
        budget=purse.trainings,
        search_trainings=purse.spent_trainings,
        search_seconds=time.perf_counter() - started,
        diagnosis_seconds=diagnosis.seconds,
    )
    if found.chosen is None:
        return _unrepaired(job, diagnosis, found, cost)
    return _proven(job, diagnosis, found, cost)


def _judged(holdout: Holdout, diagnosis: Diagnosis) -> Holdout:
    facts = diagnosis.case.recipe
    return dataclasses.replace(
        holdout,
        search=with_metric(holdout.search, facts),
        proof=with_metric(holdout.proof, facts),
        proof_with_validation=with_metric(holdout.proof_with_validation, facts),
    )


def _purse(job: _Job, budget: float | str | None) -> Budget:
    full = planned_steps(job.holdout.search) or UNKNOWN_LENGTH
    try:
        seconds = step_seconds(job.holdout.search, job.seed)
    except TorchclinicError:  # the training cannot run as it is; a remedy may make it run
        seconds = 1e-3
    return Budget.of(budget, full, seconds)


def _healthy(job: _Job, diagnosis: Diagnosis) -> Repair:
    return Repair(
        verdict=healthy_verdict(),
        cost=Cost(budget=0.0, diagnosis_seconds=diagnosis.seconds),
        lr_range=diagnosis.case.lr_range,
        **_common(job, diagnosis),
    )


def _unrepaired(job: _Job, diagnosis: Diagnosis, found: SearchResult, cost: Cost) -> Repair:
    tried = sum(arm.kind == "candidate" for arm in found.arms)
    sentence = (
        f"none of {tried} changes that were tried beats the unchanged recipe, a plain re-run and "
        "a random remedy; nothing was changed"
        if tried
        else "no remedy fits this recipe; the findings say what to change by hand"
    )
    return Repair(
        verdict=Verdict(Outcome.NOT_REPAIRED, sentence),
        arms=found.arms,
        cost=cost,
        lr_range=diagnosis.case.lr_range,
        **_common(job, diagnosis),
    )


def _proven(job: _Job, diagnosis: Diagnosis, found: SearchResult, cost: Cost) -> Repair:
    assert found.chosen is not None
    changes = tuple(change.info for change in found.chosen.changes)
    faulty = _proof_base(job.holdout, found.chosen)
    repaired = found.chosen.on(faulty)
    metric, higher = judged_by(faulty)
    job.narrate(f"proving it: 2 arms x {job.seeds} seeds, full length")
    level = chance(metric, diagnosis.case)
    proof = prove(
        faulty,
        repaired,
        seeds=job.seeds,
        metric=metric,
        higher_is_better=higher,
        chance=level,
        runner=job.runner,
    )
    job.narrate("looking at the repaired training")
    remaining = _rediagnose(repaired, proof, job.seed)
    verdict = judge_repair(
        proof.comparison,
        compare_controls(found.arms, metric=metric, higher_is_better=higher, chance=level),
        remaining=_still_there(diagnosis, remaining),
    )
    kept = verdict.outcome in (Outcome.REPAIRED, Outcome.IMPROVED)
    result = found.chosen.on(job.recipe) if kept else job.recipe
    return Repair(
        verdict=verdict,
        arms=found.arms,
        changes=changes,
        patch=write_patch(changes),
        before=proof.before,
        after=proof.after,
        remaining=remaining,
        lr_range=remaining.case.lr_range,
        cost=dataclasses.replace(
            cost,
            proof_trainings=2.0 * job.seeds,
            proof_seconds=proof.seconds,
            training_seconds=fmean(run.history.seconds for run in (*proof.before, *proof.after)),
        ),
        **{**_common(job, diagnosis), "recipe": result},
    )


def _proof_base(holdout: Holdout, chosen: Candidate) -> Recipe:
    """Both arms' data: with a validation part only where the repair needs one."""
    needs_validation = chosen.recipe.early_stopping is not None or chosen.recipe.keep_best
    return holdout.proof_with_validation if needs_validation else holdout.proof


def _rediagnose(repaired: Recipe, proof: Proof, seed: int) -> Diagnosis:
    run = proof.after[0]
    with single_thread():
        case, notes = gather(repaired, seed)
    with suited_threads(run.history.seconds / max(len(run.history.losses), 1)):
        curve = lr_range_test(repaired)
    case = dataclasses.replace(case, history=run.history, trace=run.trace, lr_range=curve)
    judgement = judge(case)
    return Diagnosis(
        findings=tuple(judgement.findings),
        case=case,
        name=f"{repaired.name}, repaired",
        skipped=dict(judgement.skipped),
        notes=tuple(notes),
    )


def _still_there(before: Diagnosis, after: Diagnosis) -> tuple[str, ...]:
    """Titles of the findings that a repaired training may not have: its root cause, any error."""
    root = before.root.code if before.root is not None else ""
    return tuple(
        finding.title
        for finding in after
        if finding.level is Level.ERROR or (finding.level is Level.WARNING and finding.code == root)
    )


def _common(job: _Job, diagnosis: Diagnosis) -> dict:
    metric, higher = judged_by(job.holdout.search)
    return {
        "name": job.recipe.name,
        "data": job.recipe.splits.name,
        "diagnosis": diagnosis,
        "recipe": job.recipe,
        "judged_on": job.holdout.judged_on,
        "metric": metric,
        "higher_is_better": higher,
        "environment": environment(),
        "command": f"torchclinic.repair(recipe, seeds={job.seeds}, seed={job.seed})",
    }
