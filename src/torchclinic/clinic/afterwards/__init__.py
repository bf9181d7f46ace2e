"""What a watched run gives reason to try: the run once more, up to its break or at another rate."""

from torchclinic.clinic.afterwards.asking import ask_loss
from torchclinic.clinic.afterwards.breakdown import breakdown
from torchclinic.clinic.afterwards.fewer_trial import fewer_trial
from torchclinic.clinic.afterwards.half_trial import half_trial
from torchclinic.clinic.afterwards.loss_trial import loss_trial
from torchclinic.clinic.afterwards.rate_trial import longer_trial, rate_trial
from torchclinic.clinic.afterwards.restart_trial import restart_trial
from torchclinic.clinic.afterwards.trained import trained_reach

__all__ = [
    "ask_loss",
    "breakdown",
    "fewer_trial",
    "half_trial",
    "longer_trial",
    "loss_trial",
    "rate_trial",
    "restart_trial",
    "trained_reach",
]
