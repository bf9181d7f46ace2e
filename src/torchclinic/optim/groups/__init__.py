"""Parameter groups: who is decayed, at which rate each part learns, what is frozen."""

from torchclinic.optim.groups.freezing import freeze, unfreeze
from torchclinic.optim.groups.globs import matching
from torchclinic.optim.groups.grouped import GroupedOptimizer, grouped
from torchclinic.optim.groups.layer_wise import LayerWise, layer_depths, layer_wise_lr
from torchclinic.optim.groups.no_decay import NoDecay, no_decay_groups
from torchclinic.optim.groups.rates import Rates, discriminative_groups
from torchclinic.optim.groups.rule import GroupRule, parameter_groups

__all__ = [
    "GroupRule",
    "GroupedOptimizer",
    "LayerWise",
    "NoDecay",
    "Rates",
    "discriminative_groups",
    "freeze",
    "grouped",
    "layer_depths",
    "layer_wise_lr",
    "matching",
    "no_decay_groups",
    "parameter_groups",
    "unfreeze",
]
