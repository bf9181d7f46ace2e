"""run_stacked: recipes x seeds, those whose models agree as one batched computation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import ArmRun, Cell, RunsInterrupted
from torchclinic.engine.call import Call
from torchclinic.engine.cores import available_cores
from torchclinic.engine.forking import warm_up, why_not_forked
from torchclinic.engine.kept import train_to_keep
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

Unit = tuple[Cell, ...]  # runs that are made together
Works = Mapping[Unit, Work]
WORTH_COMPILING = 10_000  # updates, of all runs together, that take longer than a compiler
WATCHED = "not stacked: it is watched"


def run_stacked(call: Call) -> Mapping[str, tuple[ArmRun, ...]]:
    """Run every arm with every seed, many at once.

    Runs whose models, losses and optimizers agree in everything but numbers (weights, rates,
    penalties, clipping, dropout rates, label smoothing, order of the data) are trained as one
    batched computation, in chunks that fit the cache, spread over the cores. What cannot be
    stacked, or is watched, is trained by itself, and its `note` says why. The `seconds` of a
    stacked run are its share of the stack's. Results are those of the sequential engine up to
    rounding, whatever the chunks and the number of workers.

    Args:
        call: What is asked for.

    Returns:
        Arm -> its runs in the order of the seeds. A run that is missing says why in `error`.

    Raises:
        RunsInterrupted: On Ctrl-C; it carries what was finished.
    """
    ledger = StackLedger(call)
    workers = _workers(call.arms.values(), call.parallel)
    singles: Works = {
        (cell,): partial(train_to_keep, call.arms[cell[0]], cell[1], **how)
        for cell, how in call.runs.items()
    }
    try:
        with single_thread():
            plan = plan_stacks(call.arms, call.seeds)
            if any(group.kind == "perceptron" for group in plan.groups):
                native.prepare(compile_now=_updates(plan, call) >= WORTH_COMPILING)
            watched = {cell for cell, how in call.runs.items() if how["watch"] is not None}
            _remark(ledger, plan, call.seeds, watched)
            works = _works(plan, call, watched, workers)
            stacked = {cell for unit in works for cell in unit}
            rest = {unit: work for unit, work in singles.items() if unit[0] not in stacked}
            _execute(ledger, _in_order({**works, **rest}, list(call.runs)), singles, workers)
    except KeyboardInterrupt:
        raise RunsInterrupted(ledger.table("interrupted")) from None
    return ledger.table("not begun")


def _works(plan: StackPlan, call: Call, watched: Collection[Cell], workers: int) -> Works:
    """A piece of work for each chunk of each stack."""
    how = {"max_steps": call.max_steps, "test": call.test, "keep_models": call.keep_models}
    works: dict[Unit, Work] = {}
    for group in plan.groups:
        cells = [cell for cell in group.cells if cell not in watched]
        useful = workers if group.kind == "perceptron" else len(cells) // MAPPED_FROM
        for chunk in even_chunks(cells, group.size, max(1, min(workers, useful))):
            works[chunk] = partial(run_chunk, chunk, call.arms, group.blueprints, group.make, **how)
    return works


def _updates(plan: StackPlan, call: Call) -> int:
    """Updates that the stacked perceptrons will make together."""
    total = 0
    for group in plan.groups:
        for arm, _ in group.cells if group.kind == "perceptron" else ():
            steps = planned_steps(call.arms[arm]) or 0
            total += steps if call.max_steps is None else min(steps, call.max_steps)
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
