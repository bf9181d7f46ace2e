"""run_sequential: each run by itself, one after the other or a few side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from functools import partial

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import ArmRun, Cell, RunsInterrupted
from torchclinic.engine.call import Call
from torchclinic.engine.cores import available_cores
from torchclinic.engine.forking import warm_up, why_not_forked
from torchclinic.engine.kept import train_to_keep
from torchclinic.engine.ledger import Ledger
from torchclinic.engine.outcome import Work, attempt
from torchclinic.engine.threads import single_thread
from torchclinic.engine.workers import Workers


def run_sequential(call: Call) -> Mapping[str, tuple[ArmRun, ...]]:
    """Make each run by itself, in worker processes where a fork is safe.

    Args:
        call: What is asked for.

    Returns:
        Arm -> its runs in the order of the seeds. A run that is missing says why in `error`.

    Raises:
        RunsInterrupted: On Ctrl-C; it carries what was finished.
    """
    works = {
        cell: partial(train_to_keep, call.arms[cell[0]], cell[1], **how)
        for cell, how in call.runs.items()
    }
    ledger = Ledger(call)
    try:
        with single_thread():
            _execute(ledger, works, _processes(call.arms.values(), call.parallel, len(works)))
    except KeyboardInterrupt:
        raise RunsInterrupted(ledger.table("interrupted")) from None
    return ledger.table("not begun")


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
