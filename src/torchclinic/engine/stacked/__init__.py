"""Many runs as one batched computation."""

from torchclinic.engine.stacked.planning import (
    StackGroup,
    StackPlan,
    plan_stacks,
    why_not_stacked,
)
from torchclinic.engine.stacked.running import run_stacked

__all__ = ["StackGroup", "StackPlan", "plan_stacks", "run_stacked", "why_not_stacked"]
