"""What one call of a torch function is: its role, the values that go in, its bare parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from torchclinic.functional import activation_name
from torchclinic.graph.flow import Flow
from torchclinic.graph.op_kinds import (
    CREATIONS,
    MATRIX_PRODUCTS,
    SCALES,
    SUMS,
    Role,
    operation_name,
    plain_role,
)
from torchclinic.graph.tensors import tensors_in


@dataclass(frozen=True)
class Call:
    """A call of a torch function."""

    function: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    name: str = field(init=False)
    tensors: list[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", operation_name(self.function))
        object.__setattr__(self, "tensors", list(tensors_in((self.args, dict(self.kwargs)))))

    def argument(self, place: int, *names: str, default: Any = None) -> Any:
        """An argument given by place or by one of its names."""
        if len(self.args) > place:
            return self.args[place]
        return next((self.kwargs[name] for name in names if name in self.kwargs), default)


@dataclass(frozen=True)
class Meaning:
    """What a call does; `role` None means that its result does not depend on the inputs."""

    role: Role | None
    inputs: tuple[int, ...] = ()
    activation: str | None = None
    weight: Tensor | None = None  # of a bare-parameter layer


def classify(call: Call, flow: Flow) -> Meaning:
    """The meaning of a call in the flow so far."""
    sources = flow.sources(call.tensors)
    if not sources or call.name in CREATIONS:
        return Meaning(None)
    activation = _activation(call)
    if activation is not None:
        return Meaning(Role.ACTIVATION, sources[:1], activation)
    if call.name in SUMS or call.name in SCALES:
        return _elementwise(call, sources)
    if call.name in MATRIX_PRODUCTS:
        return _matrix_product(call, flow, sources)
    if call.name in {"max", "min"} and len(call.tensors) == 1:
        return Meaning(Role.POOL, sources)
    role = plain_role(call.function, call.name)
    return Meaning(role, sources if role in _WITH_ALL or _merges(call) else sources[:1])


_WITH_ALL = frozenset({Role.OTHER, Role.PRODUCT, Role.ADD})


def _merges(call: Call) -> bool:
    return call.name in {"setitem", "copy"} or isinstance(call.argument(0), list | tuple)


def _elementwise(call: Call, sources: tuple[int, ...]) -> Meaning:
    distinct = tuple(dict.fromkeys(sources))
    if call.name in SUMS:
        return Meaning(Role.ADD if len(distinct) > 1 else Role.AFFINE, distinct)
    both = len(sources) > 1
    return Meaning(Role.PRODUCT if both else Role.AFFINE, distinct)


def _operands(call: Call) -> tuple[Any, Any]:
    """The two factors of a matrix product; of many, the first and the rest."""
    if call.name in {"addmm", "baddbmm", "addbmm", "addmv"}:
        return call.argument(1, "mat1", "batch1", "mat"), call.argument(2, "mat2", "batch2", "vec")
    if call.name == "einsum":
        factors = list(tensors_in(list(call.args[1:])))
        return factors[0], factors[1:]
    return call.argument(0, "input"), call.argument(1, "weight", "other", "mat2", "vec")


def _matrix_product(call: Call, flow: Flow, sources: tuple[int, ...]) -> Meaning:
    factors = list(tensors_in(_operands(call)))
    data = flow.sources(factors)
    if len(data) != 1:
        return Meaning(Role.PRODUCT, data or sources)
    weight = next((t for t in factors if flow.parameters_in([t]) and t.dim() >= 2), None)
    if weight is None:
        return Meaning(Role.AFFINE, sources)
    return Meaning(Role.LAYER, sources, weight=weight)


def _activation(call: Call) -> str | None:
    if call.name in {"clamp", "clip", "clamp_min", "clamp_max", "hardtanh"}:
        return _clamp(call)
    if call.name in {"maximum", "max"} and len(call.tensors) == 2:
        return "relu" if _is_zero(call.argument(1, "other")) else None
    name = activation_name(call.function)
    if name == "threshold":
        limits = (call.argument(1, "threshold"), call.argument(2, "value"))
        return "relu" if limits == (0, 0) else name
    return name


def _clamp(call: Call) -> str | None:
    hard = call.name == "hardtanh"
    low = call.argument(1, "min", "min_val", default=-1.0 if hard else None)
    high = call.argument(2, "max", "max_val", default=1.0 if hard else None)
    if call.name == "clamp_max":
        low, high = None, low
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        return None
    if low == 0:
        return "relu" if high is None else "relu6"
    return "hardtanh" if hard or (low == -1 and high == 1) else None


def _is_zero(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() > 0 and not bool(value.any())
