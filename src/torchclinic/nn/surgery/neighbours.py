"""Which layer stands before a norm: from a forward pass, or from the traced graph."""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

import torch
from torch import Tensor, fx, nn

from torchclinic.core import SurgeryError
from torchclinic.graph import ForwardRecorder, Op, Role, trace, undisturbed
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import LOOKED_THROUGH

MAPS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
_BETWEEN = LOOKED_THROUGH | {Role.ACTIVATION}


class Neighbours(Protocol):
    """What stands before the norms of a model."""

    def direct(self, norm: str) -> str | None:
        """The layer whose output goes into the norm and nowhere else, each called once."""
        ...

    def nearest(self, norm: str) -> str | None:
        """The one layer before the norm, also behind activations; None with none or several."""
        ...

    def rank(self, norm: str) -> int | None:
        """Number of dimensions of the norm's input, None if it is not known."""
        ...


def neighbours(model: nn.Module, example: Any | None) -> Neighbours:
    """Look at the model.

    Args:
        model: The model; it is left as it was.
        example: A batch of inputs for a forward pass; a tuple is taken as several arguments. None
            to trace the forward with torch.fx instead.

    Raises:
        SurgeryError: If the forward pass raises, or cannot be traced.
    """
    return _Traced(model) if example is None else _Recorded(model, example)


class _Recorded:
    """From a real forward pass."""

    def __init__(self, model: nn.Module, example: Any) -> None:
        self._model = model
        self._shapes: dict[str, tuple[int, ...]] = {}
        arguments = example if isinstance(example, tuple) else (example,)
        with undisturbed(model), torch.no_grad(), ForwardRecorder(model) as recorder:
            handles = [
                module.register_forward_pre_hook(self._note(name))
                for name, module in model.named_modules()
            ]
            try:
                model.eval()(*arguments)
            except Exception as error:
                raise SurgeryError(
                    f"the forward pass raises {type(error).__name__}: {error}",
                    hint="give an example that the model takes",
                ) from error
            finally:
                for handle in handles:
                    handle.remove()
        self._ops = recorder.result().ops
        self._graph = OpGraph(self._ops, ())
        self._calls = Counter(op.scope for op in self._ops if op.role in (Role.LAYER, Role.NORM))

    def direct(self, norm: str) -> str | None:
        op = self._op(norm)
        if op is None or self._calls[norm] != 1 or len(op.inputs) != 1:
            return None
        before = self._ops[op.inputs[0]]
        if not self._is_map(before) or self._calls[before.scope] != 1:
            return None
        return before.scope if len(self._graph.consumers[before.index]) == 1 else None

    def nearest(self, norm: str) -> str | None:
        op = self._op(norm)
        if op is None:
            return None
        met = list(self._graph.back(op.inputs, _BETWEEN))
        others = [found for found in met if found.role not in _BETWEEN]
        return others[0].scope if len(others) == 1 and self._is_map(others[0]) else None

    def rank(self, norm: str) -> int | None:
        shape = self._shapes.get(norm)
        return None if shape is None else len(shape)

    def _op(self, norm: str) -> Op | None:
        inside = (norm, f"{norm}.norm")  # the latter where a ChannelsLast holds it
        found = [op for op in self._ops if op.scope in inside and op.role is Role.NORM]
        return found[0] if found else None

    def _is_map(self, op: Op) -> bool:
        layer = op.role is Role.LAYER and op.layer == op.scope
        return layer and isinstance(self._model.get_submodule(op.scope), MAPS)

    def _note(self, name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            if inputs and isinstance(inputs[0], Tensor):
                self._shapes[name] = tuple(inputs[0].shape)

        return hook


class _Traced:
    """From the graph that torch.fx makes of the forward."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._nodes: list[fx.Node] = []
        self._reason: SurgeryError | None = None
        try:
            self._nodes = [*trace(model).graph.nodes]
        except SurgeryError as error:
            self._reason = error

    def direct(self, norm: str) -> str | None:
        node = self._node(norm)
        before = node.args[0] if node is not None and node.args else None
        if not isinstance(before, fx.Node) or not self._is_map(before) or len(before.users) != 1:
            return None
        name = str(before.target)
        return name if self._node(name) is before else None

    def nearest(self, norm: str) -> str | None:
        node = self._node(norm)
        while node is not None and len(node.all_input_nodes) == 1:
            node = node.all_input_nodes[0]
            if self._is_map(node):
                return str(node.target)
        return None

    def rank(self, norm: str) -> int | None:  # noqa: ARG002 - a graph does not know it
        return None

    def _node(self, name: str) -> fx.Node | None:
        if self._reason is not None:
            raise SurgeryError(
                f"the order of the layers is not known: {self._reason.message}",
                hint="give a batch of inputs as example",
            ) from self._reason
        found = [n for n in self._nodes if n.op == "call_module" and n.target == name]
        return found[0] if len(found) == 1 else None

    def _is_map(self, node: fx.Node) -> bool:
        return node.op == "call_module" and isinstance(
            self._model.get_submodule(str(node.target)), MAPS
        )
