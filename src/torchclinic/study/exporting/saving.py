"""A study in memory as the folder of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchclinic.engine import ArmRun
from torchclinic.study.store import (
    Manifest,
    Store,
    StoredArm,
    facts_hash,
    folder_name,
    recipe_facts,
)
from torchclinic.study.store.describing import Describer

if TYPE_CHECKING:
    from torchclinic.study.study import Study


def save_study(study: Study, folder: Path) -> None:
    """Write every run of a study into a folder, as `compare(store=...)` does.

    Args:
        study: The study.
        folder: New, or one that holds the same study.

    Raises:
        OutputError: If it cannot be written.
        UsageError: If the folder holds something else.
    """
    arms = _arms(study)
    result = study.result
    missing = {row.arm: row for row in result.rows if row.arm not in arms}
    with Store(folder) as store:
        store.prepare(arms.values())
        for name, arm in arms.items():
            for found in study.runs.get(name, ()):
                store.keep((arm.folder, found.seed), _with_trace(study, found))
        store.describe(
            Manifest(
                name=result.name,
                metric=result.metric,
                higher_is_better=result.higher_is_better,
                split=result.split,
                seeds=result.seeds,
                baseline=result.baseline,
                confidence=result.confidence,
                arms=tuple(
                    arms[a.name]
                    if a.name in arms
                    else StoredArm(a.name, "", a.changes, _why(study, a.name))
                    for a in result.arms
                    if a.name in arms or a.name in missing
                ),
                meta={key: value for key, value in result.meta.items() if key != "store"},
                notes=result.notes,
            )
        )


def _with_trace(study: Study, found: ArmRun) -> ArmRun:
    if found.run is None or found.run.trace is not None:
        return found
    trace = study.find_trace(found.arm, found.seed)
    return replace(found, run=replace(found.run, trace=trace))


def _arms(study: Study) -> Mapping[str, StoredArm]:
    source = study.source
    changes = {arm.name: arm.changes for arm in study.result.arms}
    describer = Describer()
    arms = dict(source.stored)
    for name, recipe in source.recipes.items():
        if name not in arms:
            facts = recipe_facts(recipe, describer, max_steps=source.max_steps, test=source.test)
            folder = folder_name(name, facts_hash(name, facts))
            arms[name] = StoredArm(name, folder, changes[name], facts=facts)
    return arms


def _why(study: Study, arm: str) -> str:
    return next((run.error for run in study.result.runs if run.arm == arm), "")
