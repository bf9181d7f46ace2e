"""diagnose(): facts, a watched run and an LR range test go in, ranked findings come out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from torchclinic.clinic.afterwards import (
    ask_loss,
    breakdown,
    fewer_trial,
    half_trial,
    longer_trial,
    loss_trial,
    rate_trial,
    restart_trial,
    trained_reach,
)
from torchclinic.clinic.answers import answers
from torchclinic.clinic.holdout import hold_out
from torchclinic.clinic.narrator import Narrator, silent
from torchclinic.clinic.preflight import gather
from torchclinic.clinic.selecting import narrow
from torchclinic.clinic.threads import suited_threads
from torchclinic.clinic.watched_run import watch_run
from torchclinic.core.errors import DataError, TorchclinicError, UsageError
from torchclinic.core.facts import Case
from torchclinic.core.finding import Diagnosis, Level
from torchclinic.core.recipe import Recipe
from torchclinic.core.trace import Trace
from torchclinic.engine.threads import single_thread
from torchclinic.rules import judge
from torchclinic.study import lr_range_test


def diagnose(
    subject: Recipe | Trace,
    *,
    seed: int = 0,
    share: float = 1.0,
    max_seconds: float = 60.0,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    narrate: Narrator = silent,
) -> Diagnosis:
    """Say what is wrong with a training, root causes first.

    Args:
        subject: A Recipe, of which a run is watched, or a Trace, on which the rules are run
            without any training.
        seed: Of the watched run.
        share: Share of the recipe's own number of updates that may be spent on the watched run.
        max_seconds: Cap on the watched run's time.
        select: Keep only findings whose code starts with one of these.
        ignore: Leave out findings whose code starts with one of these.
        narrate: Called with a line at each stage.

    Returns:
        Ranked findings with their evidence; `healthy` when there is no error and no warning.

    Raises:
        UsageError: When `subject` is neither, or `share` is outside (0, 1].
        ModelError, DataError, LossError: When the training cannot run at all and no rule says why.
    """
    if not 0 < share <= 1:
        raise UsageError(f"share is {share}", hint="a share of the training, above 0, at most 1")
    if isinstance(subject, Trace):
        diagnosis = _conclude(Case(trace=subject), subject.meta.get("name", "trace"), ())
        return _narrowed(diagnosis, select, ignore)
    if not isinstance(subject, Recipe):
        raise UsageError(
            f"cannot diagnose a {type(subject).__name__}",
            hint="give a torchclinic.Recipe, or a Trace made by torchclinic.watch",
        )
    diagnosis = diagnose_on(
        _with_validation(subject, seed),
        seed=seed,
        share=share,
        max_seconds=max_seconds,
        narrate=narrate,
    )
    return _narrowed(diagnosis, select, ignore)


def diagnose_on(
    recipe: Recipe,
    *,
    seed: int = 0,
    share: float = 1.0,
    max_seconds: float = 60.0,
    narrate: Narrator = silent,
) -> Diagnosis:
    """As `diagnose`, on exactly the data parts that `recipe` has."""
    start = time.perf_counter()
    narrate("looking at the model, the data and the first batch")
    with single_thread():
        case, known = gather(recipe, seed)
    notes = list(known)
    failure: TorchclinicError | None = None
    narrate("watching a run")
    try:
        watched = watch_run(recipe, seed, share=share, max_seconds=max_seconds)
    except TorchclinicError as error:
        failure = error
        notes.append(f"the training cannot run: {error}")
    else:
        notes.append(watched.describe())
        case = dataclasses.replace(
            case,
            history=watched.run.history,
            trace=watched.run.trace,
            predictions=answers(recipe, watched.run.model, case),
            broken=breakdown(recipe, seed, watched.run.history),
            reach=trained_reach(recipe, watched.run.model),
        )
        asked = ask_loss(recipe, seed, watched.run.model, watched.step_seconds)
        case = dataclasses.replace(case, **asked._asdict())
        narrate("testing the range of learning rates")
        try:
            with suited_threads(watched.step_seconds):
                case = dataclasses.replace(case, lr_range=lr_range_test(recipe))
        except TorchclinicError as error:
            notes.append(f"no LR range test: {error}")
        trial = rate_trial(recipe, seed, case, watched.step_seconds)
        longer = longer_trial(recipe, seed, case, watched.step_seconds)
        swapped = loss_trial(recipe, seed, case, watched.step_seconds)
        halves = half_trial(recipe, seed, case, watched.step_seconds)
        fewer = fewer_trial(recipe, seed, case, watched.step_seconds)
        restarted = restart_trial(recipe, seed, case, watched.step_seconds)
        case = dataclasses.replace(
            case,
            trial=trial,
            longer=longer,
            swapped=swapped,
            halves=halves,
            fewer=fewer,
            restarted=restarted,
        )
    diagnosis = _conclude(case, recipe.name, tuple(notes))
    if failure is not None and not _explained(diagnosis):
        raise failure
    return dataclasses.replace(diagnosis, seconds=time.perf_counter() - start)


def _narrowed(diagnosis: Diagnosis, select: Sequence[str], ignore: Sequence[str]) -> Diagnosis:
    return dataclasses.replace(diagnosis, findings=narrow(diagnosis.findings, select, ignore))


def _with_validation(recipe: Recipe, seed: int) -> Recipe:
    """The recipe with a validation part, set aside from its training rows where it has none."""
    if recipe.splits.validation is not None:
        return recipe
    try:
        return hold_out(recipe, seed=seed).search
    except DataError:
        return recipe  # too few rows to set any aside: the generalisation gap stays unknown


def _conclude(case: Case, name: str, notes: tuple[str, ...]) -> Diagnosis:
    judgement = judge(case)
    return Diagnosis(
        findings=tuple(judgement.findings),
        case=case,
        name=name,
        skipped=dict(judgement.skipped),
        notes=notes,
    )


def _explained(diagnosis: Diagnosis) -> bool:
    return any(finding.level is Level.ERROR for finding in diagnosis.findings)
