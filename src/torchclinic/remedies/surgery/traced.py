"""Changes of the operations of a traced forward, where there is no module to be replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn

from torchclinic.core import SurgeryError
from torchclinic.functional import activation_name
from torchclinic.graph import LayerNode, Op, trace
from torchclinic.graph.op_kinds import MATRIX_PRODUCTS, operation_name
from torchclinic.nn.surgery import alike

_TORCHS = ("torch.nn", "torch.ao.nn")


class Traced:
    """A model as a torch.fx graph whose nodes are found by the operations of a forward pass.

    Args:
        model: The model that the operations were recorded of.
        ops: All operations of that pass.

    Raises:
        SurgeryError: If torch.fx cannot trace the model.
    """

    def __init__(self, model: nn.Module, ops: tuple[Op, ...]) -> None:
        self._ops = ops
        self._leaves = tuple(
            f"{name}." for name, module in model.named_modules() if name and _is_leaf(module)
        )
        self.module = trace(model)

    @property
    def graph(self) -> fx.Graph:
        """The nodes."""
        return self.module.graph

    def activation(self, op: Op) -> fx.Node:
        """The node of an activation: the k-th of its kind is the k-th in the pass.

        Raises:
            SurgeryError: If graph and pass do not have equally many.
        """
        same = [other for other in self._ops if self._same_activation(op, other)]
        nodes = [node for node in self.graph.nodes if self._is_activation(node, op)]
        if len(same) != len(nodes) or op not in same:
            raise SurgeryError(
                f"the forward pass runs {op.activation} {len(same)} times, its traced graph "
                f"{len(nodes)} times",
                hint="replace it by a module of its own in each place",
            )
        return nodes[same.index(op)]

    def layer(self, layer: LayerNode) -> fx.Node:
        """The node of a layer that is called once.

        Raises:
            SurgeryError: If it is not in the graph once.
        """
        nodes = [node for node in self.graph.nodes if self._is_layer(node, layer)]
        if len(nodes) != 1:
            raise SurgeryError(f"layer {layer.name!r} stands {len(nodes)} times in the graph")
        return nodes[0]

    def biased(self, node: fx.Node) -> fx.Node:
        """The node that adds the bias to a bare matrix product; the product where none does."""
        users = list(node.users)
        if len(users) != 1 or operation_name(_function(users[0])) != "add":
            return node
        other = [arg for arg in users[0].args if arg is not node]
        return users[0] if other and self.is_constant(other[0]) else node

    def is_constant(self, arg: Any) -> bool:
        """Whether an argument does not depend on the model's inputs."""
        if not isinstance(arg, fx.Node):
            return True
        if arg.op == "get_attr":
            return True
        inputs = arg.all_input_nodes
        return arg.op != "placeholder" and bool(inputs) and all(map(self.is_constant, inputs))

    def data_of(self, node: fx.Node) -> fx.Node:
        """The argument of a layer's node that comes from the model's inputs."""
        found = [arg for arg in node.all_input_nodes if not self.is_constant(arg)]
        if len(found) != 1:
            raise SurgeryError(f"{node.format_node()} has {len(found)} inputs")
        return found[0]

    def insert_module(self, after: fx.Node, name: str, module: nn.Module) -> fx.Node:
        """Send the value of `after` through a new submodule before anything else uses it."""
        name = self._free(name)
        self.module.add_submodule(name, alike(module, self.module))
        return self._insert(after, lambda: self.graph.call_module(name, (after,)))

    def insert_before(self, node: fx.Node, name: str, module: nn.Module) -> None:
        """Send what goes from the model's inputs into `node`, and only there, through a module."""
        data, name = self.data_of(node), self._free(name)
        self.module.add_submodule(name, alike(module, self.module))
        with self.graph.inserting_before(node):
            new = self.graph.call_module(name, (data,))
        node.replace_input_with(data, new)

    def insert_function(self, after: fx.Node, function: Any, *more: Any) -> fx.Node:
        """Send the value of `after` through a function, with further arguments."""
        return self._insert(after, lambda: self.graph.call_function(function, (after, *more)))

    def replace(self, node: fx.Node, function: Any | None, *more: Any) -> None:
        """Let `function` do what the node does; None to leave it out."""
        data = self.data_of(node)
        new = data
        if function is not None:
            with self.graph.inserting_after(node):
                new = self.graph.call_function(function, (data, *more))
        node.replace_all_uses_with(new)
        self.graph.erase_node(node)

    def finished(self) -> fx.GraphModule:
        """The changed module, without parameters and submodules that nothing uses any more."""
        self.graph.eliminate_dead_code()
        self.graph.lint()
        self.module.delete_all_unused_submodules()
        used = {str(node.target) for node in self.graph.nodes if node.op == "get_attr"}
        modules = {str(node.target) for node in self.graph.nodes if node.op == "call_module"}
        for name, _ in list(self.module.named_parameters()):
            owner, _, key = name.rpartition(".")
            inside = any(name.startswith(f"{module}.") for module in modules)
            if name not in used and not inside:
                delattr(self.module.get_submodule(owner), key)
        self.module.recompile()
        return self.module

    def _insert(self, after: fx.Node, make: Callable[[], fx.Node]) -> fx.Node:
        with self.graph.inserting_after(after):
            new = make()
        after.replace_all_uses_with(new, delete_user_cb=lambda user: user is not new)
        return new

    def _free(self, name: str) -> str:
        base = name.replace(".", "_")
        taken = {child for child, _ in self.module.named_modules()}
        tries = (base, *(f"{base}_{count}" for count in range(2, len(taken) + 3)))
        return next(name for name in tries if name not in taken and not hasattr(self.module, name))

    def _same_activation(self, op: Op, other: Op) -> bool:
        if other.activation != op.activation or other.module != op.module:
            return False
        return op.module is not None or not f"{other.scope}.".startswith(self._leaves)

    def _is_activation(self, node: fx.Node, op: Op) -> bool:
        if op.module is not None:
            return node.op == "call_module" and node.target == op.module
        return node.op.startswith("call_") and activation_name(_function(node)) == op.activation

    def _is_layer(self, node: fx.Node, layer: LayerNode) -> bool:
        if layer.module is not None:
            return node.op == "call_module" and node.target == layer.name
        if operation_name(_function(node)) not in MATRIX_PRODUCTS:
            return False
        constants = [arg for arg in node.all_input_nodes if self.is_constant(arg)]
        return any(layer.name in _attributes(arg) for arg in constants)


def _function(node: fx.Node) -> Any:
    if node.op == "call_function":
        return node.target
    return getattr(torch.Tensor, str(node.target), None) if node.op == "call_method" else None


def _attributes(node: fx.Node) -> set[str]:
    """Names of the parameters that a constant is made of."""
    if node.op == "get_attr":
        return {str(node.target)}
    return set().union(*(_attributes(arg) for arg in node.all_input_nodes))


def _is_leaf(module: nn.Module) -> bool:
    container = isinstance(module, nn.Sequential) or type(module) is nn.Module
    return type(module).__module__.startswith(_TORCHS) and not container
