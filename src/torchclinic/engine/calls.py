"""What the engines ask of a call, and what they pass on to each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from torchclinic.core import UsageError
from torchclinic.engine.ledger import Cell

if TYPE_CHECKING:
    from torchclinic.watch import WatchOptions


def checked(seeds: Iterable[int], deadline: float | None, parallel: int | None) -> tuple[int, ...]:
    """The seeds, if the call makes sense.

    Raises:
        UsageError: When a seed occurs twice, or `deadline` or `parallel` is senseless.

    >>> checked(range(3), None, None)
    (0, 1, 2)
    """
    chosen = tuple(seeds)
    if len(set(chosen)) < len(chosen):
        raise UsageError(f"the seeds {list(chosen)} repeat", hint="each seed makes one run")
    if deadline is not None and not deadline > 0:
        raise UsageError(f"deadline is {deadline!r}", hint="seconds above 0, or None")
    if parallel is not None and parallel < 1:
        raise UsageError(f"parallel is {parallel!r}", hint="1 or more processes, or None")
    return chosen


def options(
    arms: Iterable[str],
    seeds: tuple[int, ...],
    *,
    max_steps: int | None,
    watch_first: WatchOptions | bool | None,
    test: bool,
    keep_models: bool,
) -> Mapping[Cell, Mapping[str, Any]]:
    """What `train` is given for each run besides recipe and seed, seed after seed.

    >>> usual = {"max_steps": 9, "watch_first": None, "test": False, "keep_models": False}
    >>> list(options(["a", "b"], (3, 4), **usual))
    [('a', 3), ('b', 3), ('a', 4), ('b', 4)]
    """
    watch = _watch_options(watch_first)
    return {
        (arm, seed): {
            "max_steps": max_steps,
            "watch": watch if seed == seeds[0] else None,
            "test": test,
            "keep_model": keep_models,
        }
        for seed in seeds
        for arm in arms
    }


def _watch_options(watch_first: WatchOptions | bool | None) -> WatchOptions | None:
    if isinstance(watch_first, bool):
        from torchclinic.watch import WatchOptions

        return WatchOptions() if watch_first else None
    return watch_first
