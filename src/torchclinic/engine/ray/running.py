"""run_on_ray: recipes x seeds over a Ray cluster."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import ArmRun, Progress, RunsInterrupted
from torchclinic.engine.calls import checked, options
from torchclinic.engine.kept import with_model
from torchclinic.engine.ledger import Cell, Ledger
from torchclinic.engine.ray.cluster import connected, import_ray
from torchclinic.engine.ray.crew import Crew
from torchclinic.engine.ray.modules import traveling
from torchclinic.engine.ray.shipping import packed

if TYPE_CHECKING:
    from torchclinic.watch import WatchOptions

MOST_ATTEMPTS = 3  # a run whose worker dies so often is itself what kills it


def run_on_ray(  # noqa: PLR0913 - everything after the seeds is optional and by name
    arms: Mapping[str, Recipe],
    seeds: Iterable[int],
    *,
    address: str | None = None,
    max_steps: int | None = None,
    watch_first: WatchOptions | bool | None = None,
    test: bool = False,
    keep_models: bool = False,
    progress: Callable[[Progress], None] | None = None,
    on_result: Callable[[ArmRun], None] | None = None,
    deadline: float | None = None,
    parallel: int | None = None,
) -> Mapping[str, tuple[ArmRun, ...]]:
    """Run every arm with every seed as a task of Ray: one core, one thread, and a GPU if asked for.

    The results are bitwise those of `run_arms` where the nodes have the same kind of processor and
    the same torch, which is checked. Recipes travel by Ray's cloudpickle: lambdas, closures and
    scripts are fine, open files and locks are not. The data of each arm goes into the object store
    once. A run whose worker or node dies is made again, at most twice.

    Args:
        arms: Name -> recipe. A recipe on "cuda" takes one GPU of the cluster.
        seeds: The same for all arms.
        address: Of the cluster, as `ray.init` takes it. None starts one on this machine, without
            dashboard and without usage reports, and ends it afterwards. A connection that this
            process has already is used in any case.
        max_steps: As in `run_arms`, like all that follow.
        watch_first: Watch the first seed of each arm.
        test: Whether the test part is evaluated.
        keep_models: Whether each run has its trained model.
        progress: Called at the start and after each run.
        on_result: Called with each result, in this process.
        deadline: Seconds after which no run is begun, the start of the cluster included.
        parallel: Runs at a time; None for as many as the cluster has cores.

    Returns:
        Arm -> its runs in the order of the seeds.

    Raises:
        UsageError: If Ray is not installed or there is no cluster at the address.
        RecipeError: If a recipe cannot leave this process; it names the field.
        RunsInterrupted: On Ctrl-C; it carries what was finished.
    """
    chosen = checked(seeds, deadline, parallel)
    works = options(
        arms,
        chosen,
        max_steps=max_steps,
        watch_first=watch_first,
        test=test,
        keep_models=keep_models,
    )
    ledger = Ledger(
        tuple(works),
        deadline=deadline,
        progress=progress,
        on_result=on_result,
        finish=partial(with_model, arms),
    )
    try:
        if works:
            _execute(
                arms, works, ledger, address=address, paced=deadline is not None, most=parallel
            )
    except KeyboardInterrupt:
        raise RunsInterrupted(ledger.table(arms, chosen, "interrupted")) from None
    return ledger.table(arms, chosen, "not begun")


def _execute(
    arms: Mapping[str, Recipe],
    works: Mapping[Cell, Mapping[str, Any]],
    ledger: Ledger,
    *,
    address: str | None,
    paced: bool,
    most: int | None,
) -> None:
    ray = import_ray()
    local = address is None and not ray.is_initialized()
    with traveling(ray.cloudpickle, same_machine=local):
        shipment = packed(arms, ray.cloudpickle.dumps)
    with connected(ray, address, cores=most, size=shipment.size):
        crew = Crew(ray, arms, shipment, ledger.may_begin)
        with closing(crew.outcomes(works, _room(ray, paced=paced, most=most))) as outcomes:
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
