"""run_arms: recipes x seeds on the engine of one's choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Literal, get_args

from torchclinic.core import Recipe, UsageError
from torchclinic.engine.arm_run import ArmRun, Progress, RunsInterrupted
from torchclinic.engine.call import Call
from torchclinic.engine.placement.placement import Executor, Placement

if TYPE_CHECKING:
    from torchclinic.watch import WatchOptions

EngineName = Literal["sequential", "stacked", "ray", "auto"]
_MOMENT = 1e-3  # seconds that are left of a deadline when the choice of the engine took all
Results = Mapping[str, tuple[ArmRun, ...]]
Runner = Callable[..., Results]  # what is called as `run_arms` is
_EXECUTORS: Mapping[Executor, str] = {
    "sequential": "torchclinic.engine.sequential:run_sequential",
    "stacked": "torchclinic.engine.stacked:run_stacked",
    "ray": "torchclinic.engine.ray:run_on_ray",
}


def run_arms(  # noqa: PLR0913 - everything after the seeds is optional and by name
    arms: Mapping[str, Recipe],
    seeds: Iterable[int],
    *,
    engine: EngineName = "sequential",
    address: str | None = None,
    max_steps: int | None = None,
    watch_first: WatchOptions | bool | None = None,
    test: bool = False,
    keep_models: bool = False,
    progress: Callable[[Progress], None] | None = None,
    on_result: Callable[[ArmRun], None] | None = None,
    on_placement: Callable[[Placement], None] | None = None,
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
        engine: What executes the runs. "sequential" makes each run alone, several side by side in
            processes where that is safe; "stacked" makes runs whose models agree one batched
            computation, equal to the sequential one up to rounding; "ray" sends each run to a Ray
            cluster; "auto" measures a few steps and takes the fastest that is on this machine.
        address: Of the Ray cluster ("auto", "host:6379", "ray://host:10001"); None starts one on
            this machine and ends it afterwards.
        max_steps: Cut runs short after so many updates; schedules keep their full length.
        watch_first: Watch the run of the first seed of each arm, with these options or, if True,
            the usual ones.
        test: Whether the test part is evaluated at the end of a run.
        keep_models: Whether each run has its trained model, in evaluation mode, as `run.model`.
        progress: Called at the start and after each run.
        on_result: Called with each result as soon as it is there, in this process.
        on_placement: Called once, before the first run, with which arm runs where and why.
        deadline: Seconds after which no run is begun any more, nor one that would, going by the
            earlier runs of its arm, end later. Seed after seed is run, so that what is left out
            leaves whole pairs.
        parallel: Runs, or stacks, at a time; None for as many as there are cores. 1 keeps all in
            this process, as happens in any case where a fork is not safe: not on Linux, not on
            the CPU, or data that is not in memory.

    Returns:
        Arm -> its runs in the order of the seeds. A run that is missing says why in `error`.

    Raises:
        UsageError: When a seed occurs twice, `deadline`, `parallel`, `engine` or `address` is
            senseless, or the engine is not installed.
        RecipeError: When "ray" cannot ship a recipe.
        RunsInterrupted: On Ctrl-C; it carries what was finished.
    """
    check_engine(engine, address)
    call = Call(
        arms,
        tuple(seeds),
        max_steps=max_steps,
        watch_first=watch_first,
        test=test,
        keep_models=keep_models,
        progress=progress,
        on_result=on_result,
        deadline=deadline,
        parallel=parallel,
        address=address,
    )
    try:
        placement = _placement(engine, call)
    except KeyboardInterrupt:
        none = {arm: tuple(ArmRun(arm, s, error="interrupted") for s in call.seeds) for arm in arms}
        raise RunsInterrupted(none) from None
    if on_placement is not None:
        on_placement(placement)
    if deadline is not None:
        call = replace(call, deadline=max(deadline - placement.seconds, _MOMENT))
    return _executor(placement.engine)(call)


def _placement(engine: EngineName, call: Call) -> Placement:
    if engine != "auto":
        return Placement(engine, "asked for")
    from torchclinic.engine.placement.choose import choose_engine

    return choose_engine(
        call.arms,
        call.seeds,
        max_steps=call.max_steps,
        deadline=call.deadline,
        parallel=call.parallel,
    )


def check_engine(engine: str, address: str | None) -> None:
    """Insist that there is such an engine, and that an address is a cluster's.

    Raises:
        UsageError: If not.
    """
    if engine not in get_args(EngineName):
        known = ", ".join(get_args(EngineName))
        raise UsageError(f"there is no engine {engine!r}", hint=f"known: {known}")
    if address is not None and engine != "ray":
        raise UsageError(
            f"address is {address!r}, but the engine is {engine!r}",
            hint="an address is that of a Ray cluster: engine='ray'",
        )


def _executor(engine: Executor) -> Callable[[Call], Results]:
    """The function that makes the runs; Ray and the compiler are imported only where asked for."""
    module, function = _EXECUTORS[engine].split(":")
    return getattr(import_module(module), function)
