"""run_stacked: recipes x seeds, those whose models agree as one batched computation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import ArmRun, Progress, RunsInterrupted
from torchclinic.engine.calls import checked, options
from torchclinic.engine.cores import available_cores
from torchclinic.engine.forking import warm_up, why_not_forked
from torchclinic.engine.kept import train_to_keep, with_model
from torchclinic.engine.ledger import Cell
from torchclinic.engine.outcome import Outcome, Work, attempt
from torchclinic.engine.stacked import native
from torchclinic.engine.stacked.choosing import MAPPED_FROM
from torchclinic.engine.stacked.chunk import run_chunk
from torchclinic.engine.stacked.chunking import even_chunks
from torchclinic.engine.stacked.ledger import StackLedger
from torchclinic.engine.stacked.planning import StackPlan, plan_stacks
from torchclinic.engine.threads import single_thread
from torchclinic.engine.workers import Workers
from torchclinic.training import planned_steps

if TYPE_CHECKING:
    from torchclinic.watch import WatchOptions

Unit = tuple[Cell, ...]  # runs that are made together
Works = Mapping[Unit, Work]
WORTH_COMPILING = 10_000  # updates, of all runs together, that take longer than a compiler
WATCHED = "not stacked: it is watched"


def run_stacked(  # noqa: PLR0913 - everything after the seeds is optional and by name
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
    """Run every arm with every seed, many at once.

    Runs whose models, losses and optimizers agree in everything but numbers (weights, rates,
    penalties, clipping, dropout rates, label smoothing, order of the data) are trained as one
    batched computation, in chunks that fit the cache, spread over the cores. What cannot be
    stacked is trained by itself, and its `note` says why. The `seconds` of a stacked run are its
    share of the stack's. Results are those of the sequential
    engine up to rounding, whatever the chunks and the number of workers.

    Args:
        arms: Name -> recipe.
        seeds: The same for all arms, so that runs pair by seed.
        max_steps: Cut runs short after so many updates; schedules keep their full length.
        watch_first: Watch the run of the first seed of each arm; such a run is not stacked.
        test: Whether the test part is evaluated at the end of a run.
        keep_models: Whether each run has its trained model, in evaluation mode, as `run.model`.
        progress: Called at the start and after each run.
        on_result: Called with each result as soon as it is there, in this process.
        deadline: Seconds after which nothing is begun any more, nor what would, going by earlier
            runs of the same arm, end later.
        parallel: Worker processes; None for as many as there are cores.

    Returns:
        Arm -> its runs in the order of the seeds. A run that is missing says why in `error`.

    Raises:
        UsageError: When a seed occurs twice, or `deadline` or `parallel` is senseless.
        RunsInterrupted: On Ctrl-C; it carries what was finished.
    """
    chosen = checked(seeds, deadline, parallel)
    given = options(
        arms,
        chosen,
        max_steps=max_steps,
        watch_first=watch_first,
        test=test,
        keep_models=keep_models,
    )
    ledger = StackLedger(
        tuple(given),
        deadline=deadline,
        progress=progress,
        on_result=on_result,
        finish=partial(with_model, arms),
    )
    workers = _workers(arms.values(), parallel)
    singles = {
        (cell,): partial(train_to_keep, arms[cell[0]], cell[1], **how)
        for cell, how in given.items()
    }
    try:
        with single_thread():
            plan = plan_stacks(arms, chosen)
            if any(group.kind == "perceptron" for group in plan.groups):
                native.prepare(compile_now=_updates(plan, arms, max_steps) >= WORTH_COMPILING)
            watched = [cell for cell, how in given.items() if how["watch"] is not None]
            _remark(ledger, plan, chosen, watched)
            how = {"max_steps": max_steps, "test": test, "keep_models": keep_models}
            works = _works(plan, arms, set(watched), workers, how)
            stacked = {cell for unit in works for cell in unit}
            rest = {unit: work for unit, work in singles.items() if unit[0] not in stacked}
            _execute(ledger, _in_order({**works, **rest}, list(given)), singles, workers)
    except KeyboardInterrupt:
        raise RunsInterrupted(ledger.table(arms, chosen, "interrupted")) from None
    return ledger.table(arms, chosen, "not begun")


def _works(
    plan: StackPlan,
    arms: Mapping[str, Recipe],
    watched: set[Cell],
    workers: int,
    how: Mapping[str, Any],
) -> Works:
    """A piece of work for each chunk of each stack."""
    works: dict[Unit, Work] = {}
    for group in plan.groups:
        cells = [cell for cell in group.cells if cell not in watched]
        useful = workers if group.kind == "perceptron" else len(cells) // MAPPED_FROM
        for chunk in even_chunks(cells, group.size, max(1, min(workers, useful))):
            works[chunk] = partial(run_chunk, chunk, arms, group.blueprints, group.make, **how)
    return works


def _updates(plan: StackPlan, arms: Mapping[str, Recipe], max_steps: int | None) -> int:
    """Updates that the stacked perceptrons will make together."""
    total = 0
    for group in plan.groups:
        for arm, _ in group.cells if group.kind == "perceptron" else ():
            steps = planned_steps(arms[arm]) or 0
            total += steps if max_steps is None else min(steps, max_steps)
    return total


def _execute(ledger: StackLedger, works: Works, singles: Works, workers: int) -> None:
    """Do the work in processes if there are to be several; then by itself what failed stacked."""
    left = _round(ledger, works, min(workers, len(works)), again=True)
    failed = {(cell,): singles[cell,] for cell in left}
    left = _round(ledger, failed, min(workers, len(failed)), again=workers > 1)
    for cell in left:
        if ledger.may_begin(cell):
            ledger.book(cell, attempt(singles[cell,]), again=False)


def _round(ledger: StackLedger, works: Works, workers: int, *, again: bool) -> list[Cell]:
    """Do all of this work; say which runs are to be made again."""
    left: list[Cell] = []
    if workers < 2:
        for unit, work in works.items():
            if ledger.may_begin_all(unit):
                left += _book(ledger, unit, attempt(work), again=again)
        return left
    warm_up()
    crew = Workers[Unit](workers, works, ledger.may_begin_all)
    with closing(crew.outcomes()) as outcomes:
        for unit, outcome in outcomes:
            left += _book(ledger, unit, outcome, again=again)
    return left


def _book(ledger: StackLedger, unit: Unit, outcome: Outcome, *, again: bool) -> list[Cell]:
    """Book what came of a unit; its runs that are to be made again."""
    if isinstance(outcome.value, tuple):
        each: Sequence[Outcome] = outcome.value
    elif len(unit) == 1:
        each = [outcome]
    else:  # the computation failed as a whole: each run may still succeed by itself
        told = f"not stacked: {outcome.error}"
        each = [Outcome(None, told, final=False, seconds=outcome.seconds)] * len(unit)
    pairs = zip(unit, each, strict=True)
    return [cell for cell, one in pairs if not ledger.book(cell, one, again=again)]


def _remark(
    ledger: StackLedger, plan: StackPlan, seeds: Sequence[int], watched: Iterable[Cell]
) -> None:
    for arm, why in plan.alone.items():
        for seed in seeds:
            ledger.remark((arm, seed), f"not stacked: {why}")
    for arm, seed in watched:
        if arm not in plan.alone:
            ledger.remark((arm, seed), WATCHED)


def _in_order(works: Works, cells: Sequence[Cell]) -> Works:
    """Work with earlier seeds first, so that what a deadline cuts off leaves whole pairs."""
    place = {cell: number for number, cell in enumerate(cells)}
    return dict(sorted(works.items(), key=lambda item: min(place[cell] for cell in item[0])))


def _workers(recipes: Iterable[Recipe], parallel: int | None) -> int:
    wanted = available_cores() if parallel is None else parallel
    return 1 if wanted < 2 or why_not_forked(recipes) else wanted
