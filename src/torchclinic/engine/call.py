"""Call: what `run_arms` was asked for, as the engines get it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torchclinic.core import Recipe, UsageError
from torchclinic.engine.arm_run import ArmRun, Cell, Progress

if TYPE_CHECKING:
    from torchclinic.watch import WatchOptions


@dataclass(frozen=True)
class Call:
    """What `run_arms` was asked for, but for the engine; see there.

    Raises:
        UsageError: When a seed occurs twice, or `deadline` or `parallel` is senseless.

    >>> Call({}, (1, 2), deadline=9.0).deadline
    9.0
    """

    arms: Mapping[str, Recipe]
    seeds: tuple[int, ...]
    max_steps: int | None = None
    watch_first: WatchOptions | bool | None = None
    test: bool = False
    keep_models: bool = False
    progress: Callable[[Progress], None] | None = None
    on_result: Callable[[ArmRun], None] | None = None
    deadline: float | None = None
    parallel: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.seeds)) < len(self.seeds):
            raise UsageError(f"the seeds {list(self.seeds)} repeat", hint="each seed makes one run")
        if self.deadline is not None and not self.deadline > 0:
            raise UsageError(f"deadline is {self.deadline!r}", hint="seconds above 0, or None")
        if self.parallel is not None and self.parallel < 1:
            raise UsageError(f"parallel is {self.parallel!r}", hint="1 or more processes, or None")

    @cached_property
    def runs(self) -> Mapping[Cell, Mapping[str, Any]]:
        """Each run and what `train` is given for it besides recipe and seed, seed after seed.

        >>> list(Call({"a": None, "b": None}, (3, 4)).runs)
        [('a', 3), ('b', 3), ('a', 4), ('b', 4)]
        """
        watch = self._watch_options()
        return {
            (arm, seed): {
                "max_steps": self.max_steps,
                "watch": watch if seed == self.seeds[0] else None,
                "test": self.test,
                "keep_model": self.keep_models,
            }
            for seed in self.seeds
            for arm in self.arms
        }

    def _watch_options(self) -> WatchOptions | None:
        if isinstance(self.watch_first, bool):
            from torchclinic.watch import WatchOptions

            return WatchOptions() if self.watch_first else None
        return self.watch_first
