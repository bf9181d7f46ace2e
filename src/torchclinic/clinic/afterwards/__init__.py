"""What a watched run gives reason to try: the run once more, up to its break or at another rate."""

from torchclinic.clinic.afterwards.asking.asking import ask_loss
from torchclinic.clinic.afterwards.replay.breakdown import breakdown
from torchclinic.clinic.afterwards.trained import trained_reach
from torchclinic.clinic.afterwards.trials.fewer_trial import fewer_trial
from torchclinic.clinic.afterwards.trials.half_trial import half_trial
from torchclinic.clinic.afterwards.trials.loss_trial import loss_trial
from torchclinic.clinic.afterwards.trials.rate_trial import longer_trial, rate_trial
from torchclinic.clinic.afterwards.trials.restart_trial import restart_trial

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
