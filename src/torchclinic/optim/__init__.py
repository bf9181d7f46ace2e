"""Optimizers, schedules, gradient-free methods and surfaces to try them on."""

from torchclinic.optim import derivative_free, groups, hooks, schedules, surfaces
from torchclinic.optim.cosine import CosineDecay
from torchclinic.optim.derivative_free import METHODS, Minimum, minimise
from torchclinic.optim.groups import (
    LayerWise,
    NoDecay,
    Rates,
    discriminative_groups,
    freeze,
    grouped,
    layer_wise_lr,
    no_decay_groups,
    unfreeze,
)
from torchclinic.optim.hooks import GradientNoise, GradualUnfreezing, MaxNorm, hooked
from torchclinic.optim.optimizers import OPTIMIZERS, OptimizerFactory, make
from torchclinic.optim.schedules import (
    SCHEDULES,
    compose,
    cosine_restarts,
    exp_range,
    inverse_sqrt,
    linear_scaling,
    of_torch,
    one_cycle,
    plateau,
    preview,
    step_decay,
    triangular,
    triangular2,
    wsd,
)
from torchclinic.optim.schedules.cosine import cosine
from torchclinic.optim.schedules.warm_up import warm_up
from torchclinic.optim.surfaces import SURFACES, descend
from torchclinic.optim.warm_up import WarmUp

__all__ = [
    "METHODS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SURFACES",
    "CosineDecay",
    "GradientNoise",
    "GradualUnfreezing",
    "LayerWise",
    "MaxNorm",
    "Minimum",
    "NoDecay",
    "OptimizerFactory",
    "Rates",
    "WarmUp",
    "compose",
    "cosine",
    "cosine_restarts",
    "derivative_free",
    "descend",
    "discriminative_groups",
    "exp_range",
    "freeze",
    "grouped",
    "groups",
    "hooked",
    "hooks",
    "inverse_sqrt",
    "layer_wise_lr",
    "linear_scaling",
    "make",
    "minimise",
    "no_decay_groups",
    "of_torch",
    "one_cycle",
    "plateau",
    "preview",
    "schedules",
    "step_decay",
    "surfaces",
    "triangular",
    "triangular2",
    "unfreeze",
    "warm_up",
    "wsd",
]
