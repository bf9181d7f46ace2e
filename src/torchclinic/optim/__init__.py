"""Optimizers and schedules that torch lacks."""

from torchclinic.optim.cosine import CosineDecay
from torchclinic.optim.warm_up import WarmUp

__all__ = ["CosineDecay", "WarmUp"]
