"""Replace activations between layers: modules in their place, functions in the traced graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.graph import Op
from torchclinic.nn.surgery import replace_module
from torchclinic.remedies.surgery.anatomy import Anatomy
from torchclinic.remedies.surgery.traced import Traced


@dataclass(frozen=True)
class Substitute:
    """What comes in place of an activation.

    Attributes:
        module: Makes the module.
        function: The function that computes the same; None to leave the activation out.
        arguments: Of the function, after the tensor.
    """

    module: Callable[[], nn.Module]
    function: Callable[..., Any] | None
    arguments: tuple[Any, ...] = ()


def replace_activations(anatomy: Anatomy, chosen: Sequence[Op], new: Substitute) -> nn.Module:
    """The model with other activations in the chosen places.

    A module is replaced where it stands if every call of it is chosen. For function calls, and for
    a module of which only some calls are chosen, the forward is traced and changed.

    Raises:
        SurgeryError: If nothing is chosen, or if the graph would be needed and cannot be had.
    """
    if not chosen:
        raise SurgeryError("there is no such activation in the model")
    modules, rest = _by_module(anatomy, chosen)
    traced = _traced(anatomy, rest, fallback=bool(modules))
    if traced is None:
        return _in_place(anatomy.model, modules, new)
    nodes = [(traced.activation(op), op) for op in rest]
    for node, _ in nodes:
        traced.replace(node, new.function, *new.arguments)
    return _in_place(traced.finished(), modules, new)


def _by_module(anatomy: Anatomy, chosen: Sequence[Op]) -> tuple[list[str], list[Op]]:
    """Names of modules of which every call is chosen, and the other operations."""
    partly = {op.module for op in anatomy.map.ops if op.role is chosen[0].role and op not in chosen}
    whole = {op.module for op in chosen if op.module is not None and op.module not in partly}
    rest = [op for op in chosen if op.module not in whole]
    return [name for name in dict.fromkeys(op.module for op in chosen) if name in whole], rest


def _traced(anatomy: Anatomy, rest: list[Op], *, fallback: bool) -> Traced | None:
    """The graph, if it is needed; None if it is not, or if there is something else to be done."""
    if not rest:
        return None
    try:
        return Traced(anatomy.model, anatomy.map.ops)
    except SurgeryError:
        if not fallback:
            raise
        return None


def _in_place(model: nn.Module, names: list[str], new: Substitute) -> nn.Module:
    for name in names:
        old = model.get_submodule(name)
        model = replace_module(model, old, new.module().train(old.training))
    return model
