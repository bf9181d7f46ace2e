"""Layers that are no modules: bare parameters in a matrix product."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from torchclinic.graph.classify import Call, Meaning
from torchclinic.graph.fans import einsum_fans, parameter_fans
from torchclinic.graph.flow import Flow
from torchclinic.graph.layer_kinds import layer_kind
from torchclinic.graph.op_kinds import Role


@dataclass(frozen=True)
class BareLayer:
    """A weighted layer that is a function call.

    Attributes:
        name: Of the parameter, or of the module to which it belongs if that is a torch layer.
        parameter: Name of the parameter.
        fans: (fan_in, fan_out), None if unknown.
        unit_axis: Dimension of the weight in which the units lie.
        bias: Whether the call itself adds a bias.
    """

    name: str
    parameter: str
    fans: tuple[int, int] | None
    unit_axis: int
    bias: bool = False


def bare_layer(
    call: Call,
    meaning: Meaning,
    flow: Flow,
    running: list[nn.Module],
    names: dict[int, str],
) -> BareLayer | None:
    """The layer that a call is, if it multiplies by a bare parameter.

    Args:
        call: The call.
        meaning: What it does.
        flow: The flow so far.
        running: Modules whose forward is running, outermost first.
        names: id of a module -> its name.
    """
    if meaning.role is not Role.LAYER or meaning.weight is None:
        return None
    parameter = flow.parameters_in([meaning.weight])[0]
    left = call.argument(0, "input") is meaning.weight
    return BareLayer(
        name=_owner(parameter, running, names) or parameter,
        parameter=parameter,
        fans=_fans(call, meaning.weight, left),
        unit_axis=_unit_axis(call.name, meaning.weight, left),
        bias=_has_bias(call),
    )


def _owner(parameter: str, running: list[nn.Module], names: dict[int, str]) -> str | None:
    """A subclass of a torch layer, with a forward of its own, that is multiplying by its weight."""
    if not running or layer_kind(running[-1]) is None:
        return None
    name = names[id(running[-1])]
    return name if parameter.rpartition(".")[0] == name else None


def _has_bias(call: Call) -> bool:
    if call.name.startswith("add"):
        return True
    takes_bias = call.name == "linear" or call.name.startswith("conv")
    return takes_bias and call.argument(2, "bias") is not None


def _fans(call: Call, weight: Tensor, left: bool) -> tuple[int, int] | None:
    if call.name != "einsum":
        return parameter_fans(call.name, weight, left)
    place = next((i for i, factor in enumerate(call.args[1:]) if factor is weight), None)
    if place is None or not isinstance(call.args[0], str):
        return None
    return einsum_fans(call.args[0], place, tuple(weight.shape))


def _unit_axis(name: str, weight: Tensor, left: bool) -> int:
    if name.startswith("conv_transpose"):
        return 1
    if name == "linear" or name.startswith("conv"):
        return 0
    if name.startswith("embedding"):
        return 1
    return weight.dim() - 2 if left else weight.dim() - 1
