"""What executes runs: Recipes x seeds -> Runs."""

from torchclinic.engine.arm_run import ArmRun, Progress, RunsInterrupted
from torchclinic.engine.sequential import run_arms

__all__ = ["ArmRun", "Progress", "RunsInterrupted", "run_arms"]
