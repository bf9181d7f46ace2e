"""Schedules of the learning rate, one a file, and what they do without a training."""

from torchclinic.optim.schedules.compose import Composition, compose
from torchclinic.optim.schedules.cosine import cosine
from torchclinic.optim.schedules.cosine_restarts import CosineRestarts, cosine_restarts
from torchclinic.optim.schedules.cyclic import Cyclic
from torchclinic.optim.schedules.exp_range import exp_range
from torchclinic.optim.schedules.inverse_sqrt import InverseSquareRoot, inverse_sqrt
from torchclinic.optim.schedules.kind import SCHEDULES, ScheduleKind
from torchclinic.optim.schedules.of_torch import TORCH_SCHEDULES, TorchSchedule, of_torch
from torchclinic.optim.schedules.one_cycle import OneCycle, one_cycle
from torchclinic.optim.schedules.plateau import plateau
from torchclinic.optim.schedules.rates import preview
from torchclinic.optim.schedules.step_decay import step_decay
from torchclinic.optim.schedules.triangular import triangular
from torchclinic.optim.schedules.triangular2 import triangular2
from torchclinic.optim.schedules.warm_up import GradualWarmUp, linear_scaling, warm_up
from torchclinic.optim.schedules.wsd import WarmUpStableDecay, wsd

__all__ = [
    "SCHEDULES",
    "TORCH_SCHEDULES",
    "Composition",
    "CosineRestarts",
    "Cyclic",
    "GradualWarmUp",
    "InverseSquareRoot",
    "OneCycle",
    "ScheduleKind",
    "TorchSchedule",
    "WarmUpStableDecay",
    "compose",
    "cosine",
    "cosine_restarts",
    "exp_range",
    "inverse_sqrt",
    "linear_scaling",
    "of_torch",
    "one_cycle",
    "plateau",
    "preview",
    "step_decay",
    "triangular",
    "triangular2",
    "warm_up",
    "wsd",
]
