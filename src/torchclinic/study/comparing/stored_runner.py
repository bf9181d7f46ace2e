"""StoredRunner: makes the runs that a study's folder lacks, beside other processes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from torchclinic.engine import ArmRun
from torchclinic.engine.cores import available_cores
from torchclinic.study.comparing.cells import Cell
from torchclinic.study.comparing.progress import Teller
from torchclinic.study.comparing.runner import TOO_LATE, Job, Runner, Runs
from torchclinic.study.store import (
    Manifest,
    Store,
    StoredArm,
    facts_hash,
    folder_name,
    recipe_facts,
)
from torchclinic.study.store.claims import Slot
from torchclinic.study.store.describing import Describer
from torchclinic.study.store.facts import what_changed

_LOOK_EVERY = 0.2  # seconds between looks for runs that another process makes


class StoredRunner(Runner):
    """Makes runs and keeps each in the study's folder as soon as it is finished.

    Runs that are there are not made again. What is missing is claimed in parts, half of what is
    left at a time, so that another process that comes later finds something to do; and runs that
    another living process has claimed are waited for.

    Args:
        store: The study's folder.
        **options: As `Runner` takes them.

    Attributes:
        stored: Arms of all jobs as they lie in the folder.
        made: Runs that this process has made.
        kept: Runs that were there before.
        notes: What a reader must know of what lies in the folder.
    """

    def __init__(self, store: Store, **options) -> None:  # noqa: ANN003 - Runner's
        super().__init__(**options)
        self.store = store
        self.stored: dict[str, StoredArm] = {}
        self.made = self.kept = 0
        self.notes: tuple[str, ...] = ()
        self._plans: dict[str, Mapping[str, StoredArm]] = {}
        self._describer = Describer()

    def plan(self, job: Job) -> Mapping[str, StoredArm]:
        """Where the runs of a job's arms lie."""
        if job.stage in self._plans:
            return self._plans[job.stage]
        arms: dict[str, StoredArm] = {}
        for name, recipe in job.recipes.items():
            facts = recipe_facts(recipe, self._describer, max_steps=job.max_steps, test=self.test)
            folder = folder_name(name, facts_hash(name, facts))
            arms[name] = StoredArm(name, folder, (job.changes or {}).get(name, ""), facts=facts)
        self.stored |= arms
        self._plans[job.stage] = arms
        return arms

    def announce(self, manifest: Manifest, job: Job) -> None:
        """Write study.json, so that the folder can be read from now on.

        Arms of an earlier call that are not in this one, or whose recipe has changed, stay in it.

        Args:
            manifest: Of the study, without its arms' folders.
            job: The final runs.

        Raises:
            OutputError: If it cannot be written.
        """
        planned = self.plan(job)
        before = self.store.manifest()
        arms = tuple(
            replace(arm, **vars(planned[arm.name])) if arm.name in planned else arm
            for arm in manifest.arms
        )
        earlier, notes = _earlier(before, arms)
        self.notes = notes
        self.store.prepare(planned.values())
        self.store.describe(replace(manifest, arms=arms, earlier=earlier))

    def run(self, job: Job) -> Runs:
        """Make what is missing, and give back all.

        Raises:
            OutputError: If a run cannot be written; those before are kept.
            DataError: If a run that is there cannot be read.
            KeyboardInterrupt: On Ctrl-C; what is finished is kept.
        """
        arms = self.plan(job)
        self.store.prepare(arms.values())
        slots: dict[Cell, Slot] = {(arm, s): (arms[arm].folder, s) for arm, s in job.cells}
        work = _Work(self, job, slots)
        self.finished = work.found
        work.complete()
        return job.table(self.finished, TOO_LATE)


def _earlier(
    before: Manifest | None, arms: tuple[StoredArm, ...]
) -> tuple[tuple[StoredArm, ...], tuple[str, ...]]:
    """Arms of the folder that are not among these, and what to say of those that have changed."""
    if before is None:
        return (), ()
    now = {arm.name: arm for arm in arms if arm.folder}
    folders = {arm.folder for arm in now.values()}
    old = [a for a in (*before.arms, *before.earlier) if a.folder and a.folder not in folders]
    notes = [
        f"{arm.name} has changed since its runs in runs/{arm.folder} were made, which are kept and "
        f"not used: {what_changed(arm.facts, now[arm.name].facts)}"
        for arm in before.arms
        if arm.name in now and arm.folder not in folders
    ]
    return tuple({arm.folder: arm for arm in old}.values()), tuple(notes)


class _Work:
    """One job in the folder.

    Attributes:
        found: The runs that are there.
    """

    def __init__(self, runner: StoredRunner, job: Job, slots: Mapping[Cell, Slot]) -> None:
        self._runner, self._store, self._job, self._slots = runner, runner.store, job, slots
        self.found: dict[Cell, ArmRun] = {}
        self._teller = Teller(job.stage, len(slots), runner.listener)

    def complete(self) -> None:
        """Make runs, and wait for those of others, until all are there or time is up."""
        kept = self._collect()
        self._runner.kept += len(kept)
        self._teller.begin(len(kept))
        while missing := [cell for cell in self._slots if cell not in self.found]:
            left = self._runner.seconds_left()
            if left is not None and left <= 0:
                break
            taken = self._claim(missing)
            if taken:
                self._make(taken)
            elif not self._collect_others():
                self._wait(missing)

    def _make(self, cells: list[Cell]) -> None:
        try:
            self._runner.make(self._job, cells, self._book)
        finally:
            self._store.claims.release([self._slots[cell] for cell in cells])

    def _book(self, result: ArmRun) -> None:
        cell = (result.arm, result.seed)
        self._runner.made += self._store.keep(self._slots[cell], result)
        self.found[cell] = result
        self._teller.advance()

    def _claim(self, missing: list[Cell]) -> list[Cell]:
        """Half of what is missing, but no less than the cores have to do, in whole seeds."""
        arms = len(self._job.recipes)
        seeds = max(1, -(-len(missing) // (2 * arms)), -(-available_cores() // arms))
        cells = {self._slots[cell]: cell for cell in missing}
        taken = self._store.claims.take(
            list(cells), lambda slot: self._done(cells[slot]), seeds * arms
        )
        return [cells[slot] for slot in taken]

    def _done(self, cell: Cell) -> bool:
        slot = self._slots[cell]
        wants_trace = self._runner.watches(cell, self._job)
        return self._store.has(slot, trace=wants_trace) or self._store.failure(slot) is not None

    def _collect(self) -> list[Cell]:
        """Read what has come into the folder."""
        new = [cell for cell in self._slots if cell not in self.found and self._done(cell)]
        for cell in new:
            slot = self._slots[cell]
            result = self._store.load(slot) or self._store.failure(slot)
            if result is not None:
                self.found[cell] = replace(result, arm=cell[0])
        return new

    def _collect_others(self) -> bool:
        new = self._collect()
        for _ in new:
            self._teller.advance(by_others=True)
        return bool(new)

    def _wait(self, missing: list[Cell]) -> None:
        others = self._store.claims.held_by_others([self._slots[cell] for cell in missing])
        if others:
            self._teller.tell(waiting_for=f"process {others[0]}")
            time.sleep(_LOOK_EVERY)
