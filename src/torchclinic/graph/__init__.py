"""The model as a sequence of layers: forward order, what follows what, whether it traces."""

from torchclinic.graph.fans import fans
from torchclinic.graph.flow import Op
from torchclinic.graph.forward_map import ForwardMap, LayerNode
from torchclinic.graph.layer_kinds import is_norm, layer_kind, unit_dim
from torchclinic.graph.linearity import linearity_residual
from torchclinic.graph.model_facts import model_facts
from torchclinic.graph.op_kinds import Role
from torchclinic.graph.recorder import ForwardRecorder
from torchclinic.graph.registered import registered_layers
from torchclinic.graph.tensors import tensors_in
from torchclinic.graph.tracing import trace
from torchclinic.graph.undisturbed import undisturbed

__all__ = [
    "ForwardMap",
    "ForwardRecorder",
    "LayerNode",
    "Op",
    "Role",
    "fans",
    "is_norm",
    "layer_kind",
    "linearity_residual",
    "model_facts",
    "registered_layers",
    "tensors_in",
    "trace",
    "undisturbed",
    "unit_dim",
]
