"""choose_engine: the fastest engine on this machine for a study."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import geometric_mean

import torch

from torchclinic.core import Recipe
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.cores import available_cores
from torchclinic.engine.forking import why_not_forked
from torchclinic.engine.placement.placement import Placement
from torchclinic.engine.placement.rates import Rate, rate
from torchclinic.engine.placement.trial import STEPS
from torchclinic.engine.stacked.chunking import even_chunks
from torchclinic.engine.stacked.planning import StackGroup, StackPlan, plan_stacks
from torchclinic.engine.threads import single_thread
from torchclinic.training import planned_steps

Stack = tuple[StackGroup, tuple[Cell, ...]]
SHARE = 0.05  # of a study's time that a trial may take,
MOST_SECONDS = 0.8  # and at most, by the clock, each half of it
FEW_UPDATES = 1_000  # a core, with which a study is over before the stacks are even planned
SAMPLED = 6  # arms at most that are planned for a trial
TRIED = 2  # stacks at most that are timed
LEAST_GAIN = 1.1  # of stacks, below which runs are rather made alone, bit for bit as by `train`


def choose_engine(
    arms: Mapping[str, Recipe],
    seeds: Sequence[int],
    *,
    max_steps: int | None = None,
    deadline: float | None = None,
    parallel: int | None = None,
) -> Placement:
    """The engine on which these runs are done soonest on this machine, and one line of why.

    A few steps of a run alone and of a stack are timed, each on one thread, as they will run. What
    cannot pay for that (one run, short studies, nothing to stack) is not measured. A cluster is
    never chosen by itself.

    Args:
        arms: Name -> recipe.
        seeds: The same for all arms.
        max_steps: Updates after which runs are cut short.
        deadline: Seconds that the study may take.
        parallel: Runs or stacks at a time; None for as many as there are cores.

    >>> choose_engine({"a": Recipe(model=list, data=[], loss=min, optimizer=list, steps=1)}, [0])
    Placement(engine='sequential', why='a single run shares its steps with nobody', seconds=0.0)
    """
    runs = len(arms) * len(seeds)
    if runs < 2:
        return Placement("sequential", "a single run shares its steps with nobody")
    started = time.perf_counter()
    try:
        placement = _placed(arms, tuple(seeds), max_steps, deadline, parallel)
    except Exception as error:  # noqa: BLE001 - the runs themselves will tell of it
        placement = Placement("sequential", f"nothing could be tried: {_first_line(error)}")
    return replace(placement, seconds=round(time.perf_counter() - started, 3))


def _placed(
    arms: Mapping[str, Recipe],
    seeds: tuple[int, ...],
    max_steps: int | None,
    deadline: float | None,
    parallel: int | None,
) -> Placement:
    cores = _cores(arms.values(), parallel)
    updates = len(seeds) * sum(_updates(recipe, max_steps) for recipe in arms.values())
    if updates < FEW_UPDATES * cores:
        return Placement("sequential", f"{updates:,} updates in all are over before a trial pays")
    with single_thread():
        sample = _sample(arms)
        plan = plan_stacks(sample, seeds)
        stacks = _stacks(plan.groups, cores)
        if not stacks:
            return Placement("sequential", _why_none(plan))
        if updates < max(_price(arms, cells) for _, cells in stacks) * cores / SHARE:
            return Placement("sequential", f"{updates:,} updates in all do not pay for a trial")
        _compile_if_long(updates)
        seconds = MOST_SECONDS if deadline is None else min(MOST_SECONDS, SHARE * deadline)
        rates = [rate(arms, group, cells, seconds) for group, cells in stacks[:TRIED]]
    return _judged(rates, len(plan.alone), len(sample))


def _cores(recipes: Iterable[Recipe], parallel: int | None) -> int:
    """Runs that can go on at a time."""
    return 1 if why_not_forked(recipes) else parallel or available_cores()


def _updates(recipe: Recipe, max_steps: int | None) -> int:
    """Updates of a run, 0 where the data does not say how many batches it has."""
    planned = planned_steps(recipe) or 0
    return planned if max_steps is None else min(planned, max_steps)


def _sample(arms: Mapping[str, Recipe]) -> Mapping[str, Recipe]:
    """A few of the arms, from the first to the last."""
    names = list(arms)
    count = min(SAMPLED, len(names))
    return {
        names[k * len(names) // count]: arms[names[k * len(names) // count]] for k in range(count)
    }


def _stacks(groups: Sequence[StackGroup], cores: int) -> list[Stack]:
    """The first stack of each group that has two members for each core, the largest first."""
    ordered = sorted(groups, key=lambda group: -len(group.cells))
    found = [(group, even_chunks(group.cells, group.size, cores)[0]) for group in ordered]
    return [(group, cells) for group, cells in found if len(cells) > 1]


def _price(arms: Mapping[str, Recipe], cells: Sequence[Cell]) -> int:
    """What a trial of a stack costs at most, in updates of a run alone."""
    on_cpu = torch.device(arms[cells[0][0]].device).type == "cpu"
    return STEPS * (1 + (len(cells) if on_cpu else 1))


def _compile_if_long(updates: int) -> None:
    """Let the trial use the compiled kernels that the study would use."""
    from torchclinic.engine.stacked import native
    from torchclinic.engine.stacked.running import WORTH_COMPILING

    native.prepare(compile_now=updates >= WORTH_COMPILING)


def _judged(rates: Sequence[Rate | None], alone: int, arms: int) -> Placement:
    known = [found for found in rates if found is not None]
    if not known:
        return Placement("sequential", "a step takes too long to gain by stacking")
    gain = geometric_mean(found.gain for found in known)
    slowest = min(known, key=lambda found: found.gain)
    words = f"in a trial {gain:.1f} times as fast: {slowest}"
    if gain < LEAST_GAIN:
        return Placement("sequential", f"stacks were {words}")
    some = f"; {alone} of {arms} arms run alone all the same" if alone else ""
    return Placement("stacked", words + some)


def _why_none(plan: StackPlan) -> str:
    if plan.groups:
        return "there are too few runs for stacks on every core"
    arm, why = next(iter(plan.alone.items()))
    return f"no arm can be stacked; {arm}: {why}"


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
