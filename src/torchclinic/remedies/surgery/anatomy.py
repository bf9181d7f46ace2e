"""What one forward pass over the sample shows of a model that is to be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.graph import ForwardMap, ForwardRecorder, LayerNode, Op, Role, undisturbed
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import LOOKED_THROUGH
from torchclinic.remedies._sample import Sample
from torchclinic.remedies.surgery.slots import unshare_activations

OUTPUT_KEYS = ("logits", "out", "output", "outputs", "prediction", "predictions")
_ONWARD = LOOKED_THROUGH | {Role.ADD, Role.ACTIVATION}


@dataclass(frozen=True)
class Anatomy:
    """A model and how its layers hang together.

    Attributes:
        model: The model, each place of which has an activation of its own.
        map: Its layers and operations.
        graph: The operations with what uses them.
    """

    model: nn.Module
    map: ForwardMap
    graph: OpGraph

    def op_of(self, layer: LayerNode) -> Op:
        """The (first) operation that a layer is."""
        return next(op for op in self.map.ops if op.layer == layer.name)

    def hidden_activations(self) -> list[Op]:
        """Activations between layers.

        Left out are the output's, gates and attention (their value goes into a product), and those
        of a loop that feeds a layer its own output.
        """
        return [op for op in self.map.ops if op.role is Role.ACTIVATION and self._is_hidden(op)]

    def activation_after(self, layer: LayerNode) -> Op | None:
        """The one activation that a layer's output goes into, directly or after a norm."""
        met = self.graph.ahead(self.op_of(layer), LOOKED_THROUGH)
        found = [op for op in met if op.role is Role.ACTIVATION]
        return found[0] if len(found) == 1 else None

    def bias_of(self, layer: LayerNode) -> nn.Parameter | None:
        """The bare parameter that is added to the output of a bare layer, if one is."""
        for user in self.graph.consumers[self.op_of(layer).index]:
            if user.role is Role.AFFINE and user.name == "add" and len(user.parameters) == 1:
                return self.model.get_parameter(user.parameters[0])
        return None

    def source_of(self, op: Op) -> Op | None:
        """The first operation before `op` that does not only move, scale or pool values."""
        through = LOOKED_THROUGH - {Role.NORM}
        return next((m for m in self.graph.back(op.inputs, through) if m.role not in through), None)

    def may_change(self, name: str) -> bool:
        """Whether a module may be replaced: it is not inside a module whose forward torch wrote."""
        parts = name.split(".")
        above = (".".join(parts[:end]) for end in range(1, len(parts)))
        return not any(_is_torchs(self.model.get_submodule(parent)) for parent in above)

    def _is_hidden(self, op: Op) -> bool:
        if op.module is None and op.scope and not self.may_change(f"{op.scope}.function"):
            return False
        if any(met.role is Role.PRODUCT for met in self.graph.ahead(op, LOOKED_THROUGH)):
            return False
        before = {met.layer for met in self.graph.back(op.inputs, _ONWARD) if _is_layer(met)}
        after = {met.layer for met in self.graph.ahead(op, _ONWARD) if _is_layer(met)}
        return bool(before) and bool(after) and not before & after


def observe(model: nn.Module, sample: Sample | None) -> Anatomy:
    """Run the model once and look. Activations that stand in several places are told apart.

    Raises:
        SurgeryError: Without rows to run it on, or if its forward pass raises.
    """
    if sample is None:
        raise SurgeryError(
            "there are no rows to run the model on",
            hint="give the training data as tensors, a Dataset or a DataLoader, not an iterator",
        )
    unshare_activations(model)
    sample = sample.on(model)
    with undisturbed(model), ForwardRecorder(model) as recorder:
        output = sample.forward(model.eval())
    found = recorder.result(None if sample.step else _prediction(output))
    return Anatomy(model, found, OpGraph(found.ops, ()))


def _is_torchs(module: nn.Module) -> bool:
    """Whether its forward may look into its parts, as TransformerEncoderLayer's does."""
    plain = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
    container = plain or type(module) is nn.Module  # the latter in a traced model
    return type(module).__module__.startswith("torch.nn.") and not container


def _is_layer(op: Op) -> bool:
    return op.role is Role.LAYER and op.layer is not None


def _prediction(output: Any) -> Any:
    """Of several outputs the one that enters the loss."""
    if isinstance(output, Mapping):
        key = next((name for name in OUTPUT_KEYS if name in output), None)
        return output if key is None else output[key]
    return output[0] if isinstance(output, tuple | list) and output else output
