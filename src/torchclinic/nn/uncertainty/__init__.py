"""How sure a model is: Monte-Carlo dropout and the calibration of probabilities."""

from torchclinic.nn.uncertainty.calibration import Reliability, calibration_error, reliability
from torchclinic.nn.uncertainty.predict import predict_distribution
from torchclinic.nn.uncertainty.prediction import Prediction
from torchclinic.nn.uncertainty.switches import dropout_like, only_dropout_training

__all__ = [
    "Prediction",
    "Reliability",
    "calibration_error",
    "dropout_like",
    "only_dropout_training",
    "predict_distribution",
    "reliability",
]
