"""run_on_ray: recipes x seeds over a Ray cluster."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from types import ModuleType

from torchclinic.engine.arm_run import ArmRun, Cell, RunsInterrupted
from torchclinic.engine.call import Call
from torchclinic.engine.ledger import Ledger
from torchclinic.engine.ray.cluster import connected, import_ray
from torchclinic.engine.ray.crew import Crew
from torchclinic.engine.ray.modules import traveling
from torchclinic.engine.ray.shipping import packed

MOST_ATTEMPTS = 3  # a run whose worker dies so often is itself what kills it


def run_on_ray(call: Call) -> Mapping[str, tuple[ArmRun, ...]]:
    """Run every arm with every seed as a task of Ray: one core, one thread, and a GPU if asked for.

    The results are bitwise those of `run_sequential` where the nodes have the same kind of
    processor and the same torch, which is checked. Recipes travel by Ray's cloudpickle: lambdas,
    closures and scripts are fine, open files and locks are not. The data of each arm goes into the
    object store once. A run whose worker or node dies is made again, at most twice.

    Args:
        call: What is asked for. A recipe on "cuda" takes one GPU of the cluster. Its address is
            one that `ray.init` takes; None starts a cluster on this machine, without dashboard and
            without usage reports, and ends it afterwards. A connection that this process has
            already is used in any case. The start of the cluster counts towards the deadline.

    Returns:
        Arm -> its runs in the order of the seeds.

    Raises:
        UsageError: If Ray is not installed or there is no cluster at the address.
        RecipeError: If a recipe cannot leave this process; it names the field.
        RunsInterrupted: On Ctrl-C; it carries what was finished.
    """
    ledger = Ledger(call)
    try:
        if call.runs:
            _execute(call, ledger)
    except KeyboardInterrupt:
        raise RunsInterrupted(ledger.table("interrupted")) from None
    return ledger.table("not begun")


def _execute(call: Call, ledger: Ledger) -> None:
    ray = import_ray()
    local = call.address is None and not ray.is_initialized()
    with traveling(ray.cloudpickle, same_machine=local):
        shipment = packed(call.arms, ray.cloudpickle.dumps)
    with connected(ray, call.address, cores=call.parallel, size=shipment.size):
        crew = Crew(ray, call.arms, shipment, ledger.may_begin)
        room = _room(ray, paced=call.deadline is not None, most=call.parallel)
        with closing(crew.outcomes(call.runs, room)) as outcomes:
            attempts = Counter[Cell]()
            for cell, outcome in outcomes:
                attempts[cell] += 1
                again = attempts[cell] < MOST_ATTEMPTS
                if not ledger.book(cell, outcome, again=again):
                    crew.again(cell)


def _room(ray: ModuleType, *, paced: bool, most: int | None) -> Callable[[], float]:
    """How many runs may be under way at a time.

    With a deadline as many as there are cores, so that whether there is time left is asked when a
    run could really begin; else all, and Ray keeps the queue, which makes a cluster grow.
    """
    ceiling = math.inf if most is None else most

    def room() -> float:
        return min(ceiling, max(1.0, ray.cluster_resources().get("CPU", 0.0))) if paced else ceiling

    return room
