"""The activation that is the model's output."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.graph import Op, Role
from torchclinic.remedies._place import Place
from torchclinic.remedies._sample import Sample
from torchclinic.remedies.surgery.activations import Substitute, replace_activations
from torchclinic.remedies.surgery.anatomy import Anatomy, observe

LEFT_OUT = Substitute(nn.Identity, None)


@dataclass(frozen=True)
class DropOutputActivation:
    """Leave out the activation that is the model's output."""

    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The changed model."""
        anatomy = observe(model, sample)
        return replace_activations(anatomy, [output_activation(anatomy)], LEFT_OUT)


def output_activation(anatomy: Anatomy) -> Op:
    """The operation that the output is, looking through what only moves values.

    Raises:
        SurgeryError: If it is no activation.
    """
    found = [
        op
        for op in anatomy.map.ops
        if op.role is Role.ACTIVATION
        and op.activation == anatomy.map.output_activation
        and op.module == anatomy.map.output_activation_module
    ]
    if not found:
        raise SurgeryError("the model's output is no activation")
    return found[-1]
