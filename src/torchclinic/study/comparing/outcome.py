"""From the runs that were made to the Study."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from torchclinic.core import StudyArm, StudyResult
from torchclinic.engine import ArmRun
from torchclinic.study.comparing.budget import StudyBudget
from torchclinic.study.comparing.halving import Chosen
from torchclinic.study.comparing.runner import Job, Runner, Runs
from torchclinic.study.comparing.stored_runner import StoredRunner
from torchclinic.study.findings import assemble
from torchclinic.study.judged import Judged
from torchclinic.study.store import Manifest, StoredArm, read_run
from torchclinic.study.study import Source, Study


@dataclass(frozen=True)
class Asked:
    """What a study was asked for.

    Attributes:
        name: Of the study.
        arms: All arms, one of them the baseline.
        seeds: The seeds.
        judged: By what arms are judged.
        confidence: Of intervals and tests.
        engine: That was asked for.
        budget: What it may spend, or None.
        data: Name of the data.
    """

    name: str
    arms: tuple[StudyArm, ...]
    seeds: tuple[int, ...]
    judged: Judged
    confidence: float
    engine: str
    budget: StudyBudget | None
    data: str

    @property
    def baseline(self) -> str:
        """Name of the baseline."""
        return next(arm.name for arm in self.arms if arm.baseline)


def outcome(
    asked: Asked, runs: Runs, runner: Runner, left: Chosen, job: Job, seconds: float
) -> Study:
    """The study, from what was asked for and what came of it."""
    stored = runner if isinstance(runner, StoredRunner) else None
    notes = (*left.rounds, *_length_notes(asked, job), *(stored.notes if stored else ()))
    result: StudyResult = assemble(
        asked.arms,
        runs,
        asked.judged,
        name=asked.name,
        seeds=asked.seeds,
        dropped=left.dropped,
        confidence=asked.confidence,
        notes=notes,
        seconds=seconds,
        meta=facts(asked, runner),
    )
    source = Source(
        recipes=job.recipes,
        max_steps=job.max_steps,
        test=runner.test,
        stored=stored.stored if stored else {},
        folder=stored.store.folder if stored else None,
    )
    return Study(result, runs, source)


def study_of(manifest: Manifest, folder: Path) -> Study:
    """The study that a folder holds, as far as it has come.

    Raises:
        DataError: If a run in it is damaged.
    """
    runs = {
        arm.name: tuple(_stored_run(folder, arm, seed) for seed in manifest.seeds)
        for arm in manifest.arms
        if arm.folder
    }
    arms = tuple(
        StudyArm(arm.name, arm.changes, color, arm.name == manifest.baseline)
        for color, arm in enumerate(manifest.arms)
    )
    result = assemble(
        arms,
        runs,
        Judged(manifest.metric, manifest.higher_is_better, manifest.split),
        name=manifest.name,
        seeds=manifest.seeds,
        dropped={arm.name: arm.note for arm in manifest.arms if not arm.folder},
        confidence=manifest.confidence,
        notes=manifest.notes,
        meta={**manifest.meta, "store": str(folder)},
    )
    stored = {arm.name: arm for arm in manifest.arms if arm.folder}
    return Study(result, runs, Source(stored=stored, folder=folder))


def _stored_run(folder: Path, arm: StoredArm, seed: int) -> ArmRun:
    found = read_run(folder, (arm.folder, seed))
    if found is None:
        return ArmRun(arm.name, seed, error="not in the folder yet")
    return replace(found, arm=arm.name)


def manifest_of(asked: Asked, runner: Runner, left: Chosen) -> Manifest:
    """What study.json says, but for the folders of the arms."""
    arms = tuple(StoredArm(a.name, "", a.changes, left.dropped.get(a.name, "")) for a in asked.arms)
    return Manifest(
        name=asked.name,
        metric=asked.judged.metric,
        higher_is_better=asked.judged.higher_is_better,
        split=asked.judged.split,
        seeds=asked.seeds,
        baseline=asked.baseline,
        confidence=asked.confidence,
        arms=arms,
        meta={k: v for k, v in facts(asked, runner).items() if k not in ("runs", "store")},
        notes=left.rounds,
    )


def facts(asked: Asked, runner: Runner) -> Mapping[str, str]:
    """What a reader needs to make the study again."""
    from torchclinic import __version__

    found = {
        "engine": "; ".join(runner.placements) or asked.engine,
        "data": asked.data,
        "judged on": f"{asked.judged.metric} of the {asked.judged.split} part",
        "torchclinic": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }
    if asked.budget is not None:
        found["budget"] = str(asked.budget)
    if isinstance(runner, StoredRunner):
        found["store"] = str(runner.store.folder)
        found["runs"] = f"{runner.made} made by this process, {runner.kept} were there"
    return found


def _length_notes(asked: Asked, job: Job) -> tuple[str, ...]:
    if job.max_steps is None:
        return ()
    why = (
        f" (the budget of {asked.budget})"
        if asked.budget and asked.budget.unit != "seconds"
        else ""
    )
    return (f"each run was cut after {job.max_steps} updates{why}",)
