"""Modules that drop at random while a net trains: weights, blocks, branches, sequences' units.

Torch has dropout of elements and of channels (`nn.Dropout` to `nn.Dropout3d`, `nn.AlphaDropout`).
"""

from torchclinic.nn.dropout.block_masks import block_mask, block_rate, expected_drop
from torchclinic.nn.dropout.drop_block import DropBlock1d, DropBlock2d, DropBlock3d
from torchclinic.nn.dropout.drop_block_schedule import DropBlockSchedule
from torchclinic.nn.dropout.drop_connect import DropConnect, drop_weights
from torchclinic.nn.dropout.drop_connect_conv import (
    DropConnectConv1d,
    DropConnectConv2d,
    DropConnectConv3d,
)
from torchclinic.nn.dropout.drop_connect_linear import DropConnectLinear
from torchclinic.nn.dropout.drop_connect_parametrization import DropConnectWeight, drop_connect
from torchclinic.nn.dropout.dropout_like import DropoutLike
from torchclinic.nn.dropout.gaussian_dropout import GaussianDropout
from torchclinic.nn.dropout.linear_decay import linear_decay, set_linear_decay
from torchclinic.nn.dropout.locked_dropout import LockedDropout
from torchclinic.nn.dropout.moment_matching import gaussian_expectation, sampled_expectation
from torchclinic.nn.dropout.random_masks import inverted_mask, keep_mask
from torchclinic.nn.dropout.stochastic_depth import StochasticDepth

__all__ = [
    "DropBlock1d",
    "DropBlock2d",
    "DropBlock3d",
    "DropBlockSchedule",
    "DropConnect",
    "DropConnectConv1d",
    "DropConnectConv2d",
    "DropConnectConv3d",
    "DropConnectLinear",
    "DropConnectWeight",
    "DropoutLike",
    "GaussianDropout",
    "LockedDropout",
    "StochasticDepth",
    "block_mask",
    "block_rate",
    "drop_connect",
    "drop_weights",
    "expected_drop",
    "gaussian_expectation",
    "inverted_mask",
    "keep_mask",
    "linear_decay",
    "sampled_expectation",
    "set_linear_decay",
]
