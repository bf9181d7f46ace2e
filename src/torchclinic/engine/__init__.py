"""What executes runs: Recipes x seeds -> Runs."""

from torchclinic.engine.arm_run import ArmRun, Progress, RunsInterrupted
from torchclinic.engine.placement import Placement, choose_engine
from torchclinic.engine.run import EngineName, run_arms

__all__ = [
    "ArmRun",
    "EngineName",
    "Placement",
    "Progress",
    "RunsInterrupted",
    "choose_engine",
    "run_arms",
]
