"""run_arms: recipes x seeds, one run after the other or a few side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import ArmRun, Progress, RunsInterrupted
from torchclinic.engine.calls import checked, options
from torchclinic.engine.cores import available_cores
from torchclinic.engine.forking import warm_up, why_not_forked
from torchclinic.engine.kept import train_to_keep, with_model
from torchclinic.engine.ledger import Cell, Ledger
from torchclinic.engine.outcome import Work, attempt
from torchclinic.engine.threads import single_thread
from torchclinic.engine.workers import Workers

if TYPE_CHECKING:
    from torchclinic.watch import WatchOptions


def run_arms(  # noqa: PLR0913 - everything after the seeds is optional and by name
    arms: Mapping[str, Recipe],
    seeds: Iterable[int],
    *,
    max_steps: int | None = None,
    watch_first: WatchOptions | bool | None = None,
    test: bool = False,
    keep_models: bool = False,
    progress: Callable[[Progress], None] | None = None,
    on_result: Callable[[ArmRun], None] | None = None,
    deadline: float | None = None,
    parallel: int | None = None,
) -> Mapping[str, tuple[ArmRun, ...]]:
    """Run every arm with every seed.

    The arm and the seed decide a result: not the order, not the number of processes, and not the
    number of cores, since each run on a CPU computes on one thread. An arm that fails does not
    stop the others.

    Args:
        arms: Name -> recipe.
        seeds: The same for all arms, so that runs pair by seed.
        max_steps: Cut runs short after so many updates; schedules keep their full length.
        watch_first: Watch the run of the first seed of each arm, with these options or, if True,
            the usual ones.
        test: Whether the test part is evaluated at the end of a run.
        keep_models: Whether each run has its trained model, in evaluation mode, as `run.model`.
        progress: Called at the start and after each run.
        on_result: Called with each result as soon as it is there, in this process.
        deadline: Seconds after which no run is begun any more, nor one that would, going by the
            earlier runs of its arm, end later. Seed after seed is run, so that what is left out
            leaves whole pairs.
        parallel: Worker processes; None for as many as there are cores. 1 keeps all in this
            process, as happens in any case where a fork is not safe: not on Linux, not on the CPU,
            or data that is not in memory.

    Returns:
        Arm -> its runs in the order of the seeds. A run that is missing says why in `error`.

    Raises:
        UsageError: When a seed occurs twice, or `deadline` or `parallel` is senseless.
        RunsInterrupted: On Ctrl-C; it carries what was finished.
    """
    chosen = checked(seeds, deadline, parallel)
    asked = options(
        arms,
        chosen,
        max_steps=max_steps,
        watch_first=watch_first,
        test=test,
        keep_models=keep_models,
    )
    works = {cell: partial(train_to_keep, arms[cell[0]], cell[1], **asked[cell]) for cell in asked}
    ledger = Ledger(
        tuple(works),
        deadline=deadline,
        progress=progress,
        on_result=on_result,
        finish=partial(with_model, arms),
    )
    try:
        with single_thread():
            _execute(ledger, works, _processes(arms.values(), parallel, len(works)))
    except KeyboardInterrupt:
        raise RunsInterrupted(ledger.table(arms, chosen, "interrupted")) from None
    return ledger.table(arms, chosen, "not begun")


def _execute(ledger: Ledger, works: Mapping[Cell, Work], processes: int) -> None:
    """Do all work in children if there are to be several, and here what is left."""
    left = list(works)
    if processes > 1:
        warm_up()
        crew = Workers[Cell](processes, works, ledger.may_begin)
        with closing(crew.outcomes()) as outcomes:
            left = [cell for cell, result in outcomes if not ledger.book(cell, result, again=True)]
    for cell in left:
        if ledger.may_begin(cell):
            ledger.book(cell, attempt(works[cell]), again=False)


def _processes(recipes: Iterable[Recipe], parallel: int | None, runs: int) -> int:
    wanted = min(runs, available_cores() if parallel is None else parallel)
    return 1 if wanted < 2 or why_not_forked(recipes) else wanted
