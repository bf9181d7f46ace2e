"""Runner: makes the runs of a study, in memory or in its folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torchclinic.core import Recipe
from torchclinic.engine import ArmRun, Placement, run_arms
from torchclinic.engine.run import EngineName
from torchclinic.study.comparing.cells import Block, Cell, blocks, first_seeds_first
from torchclinic.study.comparing.progress import Listener, Teller
from torchclinic.study.comparing.watching import Watched

Runs = Mapping[str, tuple[ArmRun, ...]]
TOO_LATE = "not begun: the time of the study is spent"


@dataclass(frozen=True)
class Job:
    """Arms and seeds that are to be run.

    Attributes:
        stage: What it is called in the progress.
        recipes: Name -> recipe.
        seeds: The same for all.
        max_steps: Where runs are cut; None for their full length.
        changes: Name -> what sets the arm apart, for the record.
    """

    stage: str
    recipes: Mapping[str, Recipe]
    seeds: tuple[int, ...]
    max_steps: int | None = None
    changes: Mapping[str, str] | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All its cells, seed after seed."""
        return first_seeds_first(tuple(self.recipes), self.seeds)

    def table(self, found: Mapping[Cell, ArmRun], missing: str) -> Runs:
        """Arm -> its runs in the order of the seeds."""

        def result(cell: Cell) -> ArmRun:
            return found.get(cell) or ArmRun(*cell, error=missing)

        return {arm: tuple(result((arm, s)) for s in self.seeds) for arm in self.recipes}


class Runner:
    """Makes runs on an engine and keeps them in memory.

    Args:
        engine: Its name.
        address: Of a Ray cluster.
        parallel: Runs or stacks at a time.
        test: Whether the test part is evaluated.
        seconds: Wall time after which no run is begun.
        watched: Which runs are watched.
        listener: Is told how far it is.

    Attributes:
        placements: Why which engine was taken, in sentences.
        finished: All runs so far, of all jobs.
    """

    def __init__(
        self,
        *,
        engine: EngineName,
        address: str | None = None,
        parallel: int | None = None,
        test: bool = False,
        seconds: float | None = None,
        watched: Watched | None = None,
        listener: Listener | None = None,
    ) -> None:
        self._engine: EngineName = engine
        self._address, self._parallel, self.test = address, parallel, test
        self._ends = None if seconds is None else time.perf_counter() + seconds
        self._watched, self.listener = watched, listener
        self.placements: dict[str, None] = {}
        self._placed: dict[frozenset[str], EngineName] = {}
        self.finished: dict[Cell, ArmRun] = {}

    def run(self, job: Job) -> Runs:
        """Make the runs of a job.

        Raises:
            KeyboardInterrupt: On Ctrl-C; what is finished is in `finished`.
        """
        teller = Teller(job.stage, len(job.cells), self.listener)
        teller.begin(kept=0)
        found: dict[Cell, ArmRun] = {}

        def book(result: ArmRun) -> None:
            found[result.arm, result.seed] = result
            teller.advance()

        self.finished = found
        self.make(job, job.cells, book)
        return job.table(found, TOO_LATE)

    def make(self, job: Job, cells: Sequence[Cell], book: Callable[[ArmRun], None]) -> None:
        """Make the runs of some cells of a job."""
        for block in blocks(cells, lambda cell: self.watches(cell, job)):
            left = self.seconds_left()
            if left is not None and left <= 0:
                return
            self._call(job, block, book, left)

    def watches(self, cell: Cell, job: Job) -> bool:
        """Whether the run of a cell is to be watched."""
        return self._watched is not None and self._watched.covers(*cell, job.seeds)

    def seconds_left(self) -> float | None:
        """Wall time that is left; None for no end."""
        return None if self._ends is None else self._ends - time.perf_counter()

    def _call(
        self, job: Job, block: Block, book: Callable[[ArmRun], None], left: float | None
    ) -> None:
        options: dict[str, Any] = {"address": self._address} if self._address else {}
        watch = self._watched.options if self._watched is not None and block.watched else None
        arms = frozenset(block.arms)

        def note(placement: Placement) -> None:
            if arms not in self._placed:
                self.placements.setdefault(str(placement))
            if len(block.arms) * len(block.seeds) > 1:  # one run decides nothing for many
                self._placed.setdefault(arms, placement.engine)

        run_arms(
            {arm: job.recipes[arm] for arm in block.arms},
            block.seeds,
            engine=self._placed.get(arms, self._engine),  # what was measured once is not again
            max_steps=job.max_steps,
            watch_first=watch,
            test=self.test,
            on_result=book,
            on_placement=note,
            deadline=left,
            parallel=self._parallel,
            **options,
        )
