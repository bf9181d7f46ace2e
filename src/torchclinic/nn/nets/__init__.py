"""The small nets of the experiments, with switches for what they compare."""

from torchclinic.nn.nets.autoencoder import Autoencoder
from torchclinic.nn.nets.conv_network import TestNetwork
from torchclinic.nn.nets.mlp import MLP
from torchclinic.nn.nets.residual_conv_net import ResidualConvNet
from torchclinic.nn.nets.residual_mlp import ResidualMLP

__all__ = ["MLP", "Autoencoder", "ResidualConvNet", "ResidualMLP", "TestNetwork"]
