"""The lines by which a person replaces activations between layers."""

from __future__ import annotations

from collections.abc import Sequence

from torchclinic.core import LayerFacts, ModelFacts
from torchclinic.functional.activation import ACTIVATIONS
from torchclinic.remedies._code import names, submodule
from torchclinic.remedies._layers import are_sure, names_tell
from torchclinic.remedies._treat import treat_code


def replacing_code(
    remedy: str, facts: ModelFacts, layers: Sequence[LayerFacts], module: str, function: str
) -> str:
    """Code for the activations after `layers`.

    By the modules' names where they are known and each stands in one place, else by their class;
    function calls can only be replaced in the source, or by the remedy on the traced forward.

    Args:
        remedy: Name of the remedy.
        facts: Of the model.
        layers: Layers whose activations are replaced.
        module: Constructor of the new one ("nn.ReLU()").
        function: Call of the new one, for the comment ("F.relu").
    """
    slots = [layer.activation_module or "" for layer in layers]
    same_as_output = facts.output_activation in {layer.activation for layer in layers}
    output = facts.output_activation_module
    mixed = not names_tell(facts, layers) or (same_as_output and output is None)
    if mixed or not all(slots) or output in slots:
        after = ", ".join(layer.name for layer in layers)
        by_hand = f"in forward(): {function} instead of {_kinds(layers)} after {after}"
        return treat_code(remedy, by_hand if are_sure(facts, layers) else "")
    if len(set(slots)) == 1:
        return _one(slots[0], module)
    if len(set(slots)) == len(slots) and all(map(_are_siblings, layers, slots)):
        return _by_name(slots, module)
    return _by_class(layers, module, output if same_as_output else None)


def _one(slot: str, module: str) -> str:
    return f"from torch import nn\n\n{submodule(slot)} = {module}"


def _by_name(slots: list[str], module: str) -> str:
    return (
        f"from torch import nn\n\nfor name in {names(slots)}:\n"
        f"    model.set_submodule(name, {module})"
    )


def _by_class(layers: Sequence[LayerFacts], module: str, output: str | None) -> str:
    kinds = dict.fromkeys(_class_of(layer.activation or "") for layer in layers)
    wanted = next(iter(kinds)) if len(kinds) == 1 else f"({', '.join(kinds)})"
    but = f' and name != "{output}"' if output else ""
    return (
        "from torch import nn\n\n"
        "for name, child in list(model.named_modules(remove_duplicate=False)):\n"
        f"    if isinstance(child, {wanted}){but}:\n"
        f"        model.set_submodule(name, {module})"
    )


def _are_siblings(layer: LayerFacts, slot: str) -> bool:
    """Whether layer and activation stand in one container, so that the name is the place.

    An instance that stands in several places may be reported under another one's name.
    """
    return layer.name.rpartition(".")[0] == slot.rpartition(".")[0]


def _class_of(activation: str) -> str:
    return f"nn.{ACTIVATIONS[activation].modules[0].__name__}"


def _kinds(layers: Sequence[LayerFacts]) -> str:
    return " and ".join(dict.fromkeys(layer.activation or "" for layer in layers))
