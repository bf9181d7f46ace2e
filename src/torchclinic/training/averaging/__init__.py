"""Averages of the weights along a training: EMA and SWA."""

from torchclinic.training.averaging.batch_norm import measure_batch_norm, tracking_layers
from torchclinic.training.averaging.plan import build_averages, first_weights
from torchclinic.training.averaging.weight_averages import WeightAverages

__all__ = [
    "WeightAverages",
    "build_averages",
    "first_weights",
    "measure_batch_norm",
    "tracking_layers",
]
