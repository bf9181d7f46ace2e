"""When to stop a training early."""

from torchclinic.training.stopping.criterion import StoppingCriterion, stopping_criterion
from torchclinic.training.stopping.generalisation_loss import GeneralisationLoss
from torchclinic.training.stopping.patience import Patience
from torchclinic.training.stopping.uninterrupted_rise import UninterruptedRise

__all__ = [
    "GeneralisationLoss",
    "Patience",
    "StoppingCriterion",
    "UninterruptedRise",
    "stopping_criterion",
]
