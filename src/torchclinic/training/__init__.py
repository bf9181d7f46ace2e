"""Recipe -> Run: the one training loop."""

from torchclinic.training.averaging import WeightAverages, first_weights
from torchclinic.training.batch import Arguments, describe, split_batch
from torchclinic.training.build import build_model, build_optimizer, check_trainable
from torchclinic.training.checkpoint.policy import Checkpoints
from torchclinic.training.clipping import agc_, max_norm_
from torchclinic.training.evaluate import Scores, evaluate, evaluation_batch_size
from torchclinic.training.forward import forward
from torchclinic.training.loss_kind import is_torch_loss, loss_kind, loss_name, loss_option
from torchclinic.training.metrics import METRICS, metric_accumulator, resolve_metric
from torchclinic.training.objective import compute_loss
from torchclinic.training.penalties import elastic_net
from torchclinic.training.plan import planned_steps
from torchclinic.training.rng import RandomState, preserved, seeded, stream_seed
from torchclinic.training.schedule import RunningSchedule, build_schedule
from torchclinic.training.selection import kept_evaluation
from torchclinic.training.stopping import (
    GeneralisationLoss,
    Patience,
    StoppingCriterion,
    UninterruptedRise,
    stopping_criterion,
)
from torchclinic.training.train import train

__all__ = [
    "METRICS",
    "Arguments",
    "Checkpoints",
    "GeneralisationLoss",
    "Patience",
    "RandomState",
    "RunningSchedule",
    "Scores",
    "StoppingCriterion",
    "UninterruptedRise",
    "WeightAverages",
    "agc_",
    "build_model",
    "build_optimizer",
    "build_schedule",
    "check_trainable",
    "compute_loss",
    "describe",
    "elastic_net",
    "evaluate",
    "evaluation_batch_size",
    "first_weights",
    "forward",
    "is_torch_loss",
    "kept_evaluation",
    "loss_kind",
    "loss_name",
    "loss_option",
    "max_norm_",
    "metric_accumulator",
    "planned_steps",
    "preserved",
    "resolve_metric",
    "seeded",
    "split_batch",
    "stopping_criterion",
    "stream_seed",
    "train",
]
