"""Numbers by which a run is judged, over a whole split."""

from torchclinic.training.metrics.accumulator import Accumulator
from torchclinic.training.metrics.accuracy import Accuracy
from torchclinic.training.metrics.mean_squared_error import MeanSquaredError
from torchclinic.training.metrics.r_squared import RSquared
from torchclinic.training.metrics.resolve import METRICS, metric_accumulator, resolve_metric

__all__ = [
    "METRICS",
    "Accumulator",
    "Accuracy",
    "MeanSquaredError",
    "RSquared",
    "metric_accumulator",
    "resolve_metric",
]
