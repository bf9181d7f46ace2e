"""What follows a layer: its activation, and whether a norm stands between."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.graph.flow import Op
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.op_kinds import LOOKED_THROUGH, Role

_AND_SUMS = LOOKED_THROUGH | {Role.ADD}


@dataclass(frozen=True)
class Following:
    """The non-linearity that a layer's output goes into; None without one, or with several."""

    activation: str | None = None
    module: str | None = None
    sum_activation: str | None = None
    normalised: bool = False


def following(graph: OpGraph, op: Op) -> Following:
    """What the output of a layer goes into."""
    own = [met for met in graph.ahead(op, LOOKED_THROUGH) if met.role is Role.ACTIVATION]
    summed = [met for met in graph.ahead(op, _AND_SUMS) if met.role is Role.ACTIVATION]
    activation, module = _agreed(graph, own)
    return Following(
        activation=activation,
        module=module,
        sum_activation=_agreed(graph, summed)[0],
        normalised=_normalised(graph, op),
    )


def _agreed(graph: OpGraph, activations: list[Op]) -> tuple[str | None, str | None]:
    names = {_gated(graph, op) for op in activations}
    if len(names) != 1:
        return None, None
    return names.pop(), activations[0].module


def _gated(graph: OpGraph, op: Op) -> str | None:
    """The activation's name; "silu" where x * sigmoid(x) is written out."""
    users = graph.consumers[op.index]
    if op.activation != "sigmoid" or len(users) != 1 or users[0].role is not Role.PRODUCT:
        return op.activation
    return "silu" if set(op.inputs) <= set(users[0].inputs) else op.activation


def _normalised(graph: OpGraph, op: Op) -> bool:
    before_norm = LOOKED_THROUGH - {Role.NORM}
    return any(met.role is Role.NORM for met in graph.ahead(op, before_norm))
