"""Plain multilayer perceptrons, forward and backward by hand with products of whole stacks."""

from torchclinic.engine.stacked.mlp.links import Link, links_of
from torchclinic.engine.stacked.mlp.network import MLPNetwork

__all__ = ["Link", "MLPNetwork", "links_of"]
