"""Norms that torch lacks, and batch norm's gradient by hand."""

from torchclinic.nn.normalisation.batch_norm_gradient import (
    batch_norm_backward,
    batch_norm_forward,
)
from torchclinic.nn.normalisation.channels_last import ChannelsLast
from torchclinic.nn.normalisation.frozen_batch_norm import FrozenBatchNorm
from torchclinic.nn.normalisation.ghost_batch_norm import (
    GhostBatchNorm1d,
    GhostBatchNorm2d,
    GhostBatchNorm3d,
)
from torchclinic.nn.normalisation.statistics_only import (
    StatisticsOnlyBatchNorm1d,
    StatisticsOnlyBatchNorm2d,
    StatisticsOnlyBatchNorm3d,
)
from torchclinic.nn.normalisation.weight_standardisation import (
    WeightStandardisation,
    WeightStandardisedConv1d,
    WeightStandardisedConv2d,
    WeightStandardisedConv3d,
    standardised_weight,
    weight_standardise,
)

__all__ = [
    "ChannelsLast",
    "FrozenBatchNorm",
    "GhostBatchNorm1d",
    "GhostBatchNorm2d",
    "GhostBatchNorm3d",
    "StatisticsOnlyBatchNorm1d",
    "StatisticsOnlyBatchNorm2d",
    "StatisticsOnlyBatchNorm3d",
    "WeightStandardisation",
    "WeightStandardisedConv1d",
    "WeightStandardisedConv2d",
    "WeightStandardisedConv3d",
    "batch_norm_backward",
    "batch_norm_forward",
    "standardised_weight",
    "weight_standardise",
]
