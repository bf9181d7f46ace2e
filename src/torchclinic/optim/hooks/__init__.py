"""What can be done at each step of an optimizer, one a file."""

from torchclinic.optim.hooks.gradient_noise import GradientNoise
from torchclinic.optim.hooks.gradual_unfreezing import GradualUnfreezing
from torchclinic.optim.hooks.hooked import HookedOptimizer, OptimizerHook, hooked
from torchclinic.optim.hooks.max_norm import MaxNorm

__all__ = [
    "GradientNoise",
    "GradualUnfreezing",
    "HookedOptimizer",
    "MaxNorm",
    "OptimizerHook",
    "hooked",
]
