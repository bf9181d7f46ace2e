"""Rules on the loss against outputs and targets."""

from torchclinic.rules.loss.against_targets import AgainstTargets
from torchclinic.rules.loss.broadcast_targets import BroadcastTargets
from torchclinic.rules.loss.flipped_loss import FlippedLoss
from torchclinic.rules.loss.initial_loss import InitialLoss
from torchclinic.rules.loss.median_answer import MedianAnswer
from torchclinic.rules.loss.mismatch import LossMismatch
from torchclinic.rules.loss.output_range import OutputRange
from torchclinic.rules.loss.sigmoid_scores import SigmoidBeforeBceWithLogits
from torchclinic.rules.loss.silent_label import SilentLabel
from torchclinic.rules.loss.softmax_scores import SoftmaxBeforeCrossEntropy

__all__ = [
    "AgainstTargets",
    "BroadcastTargets",
    "FlippedLoss",
    "InitialLoss",
    "LossMismatch",
    "MedianAnswer",
    "OutputRange",
    "SigmoidBeforeBceWithLogits",
    "SilentLabel",
    "SoftmaxBeforeCrossEntropy",
]
