"""compare: many arms over many seeds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from torchclinic.core import Recipe, StudyArm, UsageError
from torchclinic.engine.run import EngineName
from torchclinic.study.arms import Arm, collect_arms
from torchclinic.study.arms.collect import Arms
from torchclinic.study.comparing.arguments import (
    check_numbers,
    chosen_baseline,
    chosen_seeds,
    study_name,
)
from torchclinic.study.comparing.budget import StudyBudget
from torchclinic.study.comparing.halving import Chosen, Halving, choose
from torchclinic.study.comparing.outcome import Asked, manifest_of, outcome, study_of
from torchclinic.study.comparing.progress import Listener, listener_of
from torchclinic.study.comparing.runner import Job, Runner
from torchclinic.study.comparing.stored_runner import StoredRunner
from torchclinic.study.comparing.watching import Watched
from torchclinic.study.judged import MetricChoice, SplitChoice, judge_by
from torchclinic.study.store import Store
from torchclinic.study.store.manifest import read_manifest
from torchclinic.study.study import Study
from torchclinic.watch import WatchOptions


class StudyInterrupted(KeyboardInterrupt):
    """Ctrl-C during `compare`.

    Attributes:
        study: What was finished until then.
    """

    def __init__(self, study: Study) -> None:
        super().__init__("interrupted")
        self.study = study


def compare(  # noqa: PLR0913 - everything after the arms is optional and by name
    arms: Arms,
    *,
    grid: Mapping[str, Iterable[Any]] | None = None,
    changes: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None,
    seeds: int | Iterable[int] = 10,
    engine: EngineName = "auto",
    address: str | None = None,
    parallel: int | None = None,
    metric: MetricChoice = None,
    split: SplitChoice = "auto",
    max_steps: int | None = None,
    budget: float | str | StudyBudget | None = None,
    store: str | Path | None = None,
    resume: bool = True,
    baseline: str | None = None,
    halving: Halving | bool | int | None = None,
    watch: Watched | WatchOptions | Sequence[str] | bool | None = None,
    confidence: float = 0.95,
    name: str | None = None,
    progress: Listener | bool | None = None,
) -> Study:
    """Train many arms with many seeds and say what the differences are worth.

    The runs of all arms with one seed are paired: they see the rows in the same order, and models
    of the same shapes, made by the same draws, start from the same weights. What is compared are
    the differences within these pairs.

    The tests against the baseline are corrected together by Holm's procedure: where no arm differs
    from it, the chance of any claim is at most 1 - confidence. So are all pairs of arms, as a
    family of their own.

    Args:
        arms: Name -> Recipe; or one Recipe with `grid` or `changes`; or what `grid()` and
            `variants()` return.
        grid: Dotted field -> values: an arm for every combination ({"optimizer.lr": [0.1, 1.0]}).
        changes: Arms as changes over the one Recipe, which is the first arm itself.
        seeds: How many (0, 1, ...), or which.
        engine: "auto", "sequential", "stacked" or "ray"; see `run_arms`.
        address: Of a Ray cluster.
        parallel: Runs or stacks at a time; None for as many as there are cores.
        metric: One for all arms, by name or as a Metric; "loss"; None for that of the recipes.
        split: What arms are judged on; "auto" takes the test part if there is one, else the
            validation part, else the training loss.
        max_steps: Cut runs short after so many updates; schedules keep their full length.
        budget: What the whole study may spend: "2000 steps" or "3x" (full trainings) cut all runs
            alike, "60s" ends it between runs.
        store: Folder that keeps each run as soon as it is finished. A study that was killed goes
            on from there; several processes may work on one folder. A recipe that has changed
            since gets new runs, and a note says so.
        resume: False refuses a folder that has runs.
        baseline: Arm with which the others are compared; None for the first.
        halving: Thin out the arms by short runs first: True, a number of finalists, or Halving().
        watch: Watch the first run of each arm (True), of some arms (names), or as `Watched` says.
        confidence: Of intervals; one minus the level of the tests.
        name: Of the study.
        progress: True for a line on standard error, or a function that is told a StudyProgress.

    Returns:
        The study, with its table, comparisons, curves and sentences.

    Raises:
        UsageError: When arms, seeds, metric or other arguments make no sense.
        OutputError: If a run cannot be written to the store; those before it are kept.
        StudyInterrupted: On Ctrl-C; it carries what was finished.

    >>> from functools import partial
    >>> import torch
    >>> x = torch.linspace(-1, 1, 16).reshape(-1, 1)
    >>> recipe = Recipe(model=partial(torch.nn.Linear, 1, 1), data=(x, 2 * x), epochs=20,
    ...                 loss=torch.nn.MSELoss(), batch_size=8,
    ...                 optimizer=partial(torch.optim.SGD, lr=0.01))
    >>> study = compare(recipe, grid={"optimizer.lr": [0.01, 0.1]}, seeds=6, engine="sequential",
    ...                 parallel=1)
    >>> study.best().arm, study.verdict("lr=0.1", "lr=0.01").judgement
    ('lr=0.1', 'better')
    """
    chosen = collect_arms(arms, grid=grid, changes=changes)
    chosen, judged = judge_by(chosen, metric, split)
    numbers = chosen_seeds(seeds)
    against = chosen_baseline(chosen, baseline)
    check_numbers(max_steps, confidence)
    watched, thinned = Watched.of(watch), Halving.of(halving)
    if watched is not None:
        watched.check([arm.name for arm in chosen])
    allowed = StudyBudget.of(budget)
    asked = Asked(
        name=name or study_name(arms, chosen),
        arms=tuple(
            StudyArm(arm.name, arm.changes, color, arm.name == against)
            for color, arm in enumerate(chosen)
        ),
        seeds=numbers,
        judged=judged,
        confidence=confidence,
        engine=engine,
        budget=allowed,
        data=chosen[0].recipe.splits.name,
    )
    with Store(store) if store is not None else nullcontext() as folder:
        options: dict[str, Any] = {
            "engine": engine,
            "address": address,
            "parallel": parallel,
            "test": judged.split == "test",
            "seconds": allowed.seconds if allowed else None,
            "watched": watched,
            "listener": listener_of(progress),
        }
        runner = Runner(**options) if folder is None else StoredRunner(folder, **options)
        if folder is not None and not resume:
            _insist_on_empty(folder)
        return _run(asked, chosen, runner, thinned, max_steps)


def load_study(store: str | Path) -> Study:
    """The study that a folder holds, as far as it has come. Nothing is run.

    Args:
        store: The folder that `compare` was given.

    Raises:
        UsageError: If there is no study in it.
        DataError: If a file of it is damaged.
    """
    folder = Path(store)
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(folder)!r}", hint="compare(..., store=...)")
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(f"{str(folder)!r} holds no study", hint="compare(..., store=...)")
    return study_of(manifest, folder)


def _run(
    asked: Asked,
    chosen: Sequence[Arm],
    runner: Runner,
    halving: Halving | None,
    max_steps: int | None,
) -> Study:
    started = time.perf_counter()
    recipes = {arm.name: arm.recipe for arm in chosen}
    changes = {arm.name: arm.changes for arm in chosen}
    left = Chosen(tuple(recipes))

    def job() -> Job:
        kept = {name: recipes[name] for name in left.arms}
        steps = _shortest(max_steps, asked, list(kept.values()), spent=left.steps)
        return Job("runs", kept, asked.seeds, steps, changes)

    try:
        if halving is not None and len(recipes) > halving.finalists:
            left = choose(
                halving,
                recipes,
                baseline=asked.baseline,
                judged=asked.judged,
                runner=runner,
                max_steps=_shortest(max_steps, asked, list(recipes.values())),
            )
        final = job()
        if isinstance(runner, StoredRunner):
            runner.announce(manifest_of(asked, runner, left), final)
        results = runner.run(final)
    except KeyboardInterrupt:
        final = job()
        done = final.table(runner.finished, "interrupted")
        seconds = time.perf_counter() - started
        raise StudyInterrupted(outcome(asked, done, runner, left, final, seconds)) from None
    return outcome(asked, results, runner, left, final, time.perf_counter() - started)


def _shortest(
    max_steps: int | None, asked: Asked, recipes: Sequence[Recipe], *, spent: int = 0
) -> int | None:
    """Updates of each run, by what was asked for and by what the budget buys."""
    affordable = None
    if asked.budget is not None:
        affordable = asked.budget.steps_a_run(recipes, len(asked.seeds), spent=spent)
    limits = [steps for steps in (max_steps, affordable) if steps is not None]
    return min(limits) if limits else None


def _insist_on_empty(store: Store) -> None:
    if store.manifest() is not None:
        raise UsageError(
            f"{str(store.folder)!r} holds a study already",
            hint="leave out resume=False to go on with it, or choose another folder",
        )
