"""Plain multilayer perceptrons, forward and backward by hand with products of whole stacks."""

from torchclinic.engine.stacked.mlp.chain import Link, chain_of
from torchclinic.engine.stacked.mlp.network import MLPNetwork

__all__ = ["Link", "MLPNetwork", "chain_of"]
