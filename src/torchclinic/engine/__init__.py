"""What executes runs: Recipes x seeds -> Runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchclinic.engine.arm_run import ArmRun, Progress, RunsInterrupted
from torchclinic.engine.placement.placement import Placement
from torchclinic.engine.run import EngineName, Runner, check_engine, run_arms
from torchclinic.engine.session import engine_session

if TYPE_CHECKING:
    from torchclinic.engine.placement.choose import choose_engine

__all__ = [
    "ArmRun",
    "EngineName",
    "Placement",
    "Progress",
    "Runner",
    "RunsInterrupted",
    "check_engine",
    "choose_engine",
    "engine_session",
    "run_arms",
]


def __getattr__(name: str) -> Any:
    if name != "choose_engine":  # the one that loads the stacked engine
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from torchclinic.engine.placement.choose import choose_engine

    return choose_engine
