"""The watched layers: which, and what the recorded forward pass tells about them."""

from __future__ import annotations

from torch import nn

from torchclinic.graph import ForwardMap
from torchclinic.watch.modules import clean_name, own_parameters
from torchclinic.watch.selection import Globs, bare_parameters, module_targets, no_match
from torchclinic.watch.target import Target


class Layers:
    """The targets of a watch: modules at once, bare parameters when a product uses them.

    Args:
        model: The unwrapped model.
        globs: Which layers.

    Raises:
        UsageError: The model has layers, but the globs find none.
    """

    def __init__(self, model: nn.Module, globs: Globs) -> None:
        self._model = model
        self.targets = module_targets(model, globs)
        found = bare_parameters(model)
        self.bare = {
            name: Target(len(self.targets) + number, name, "Parameter", {name: parameter})
            for number, (name, (_, _, parameter)) in enumerate(found.items())
            if globs.find(name)
        }
        every = [target.name for target in module_targets(model, Globs.of("*"))]
        if (every or found) and not self.targets and not self.bare:
            raise no_match(globs, [*every, *found])
        self.unmatched = globs.unmatched([*every, *found, *(t.name for t in self.targets)])

    def learn(self, forward_map: ForwardMap | None, unknown: str) -> None:
        """Take over order and activations; bare parameters in a product become targets.

        Args:
            forward_map: What the recorded pass has shown, None if nothing.
            unknown: Why it has shown nothing.
        """
        nodes = {clean_name(n.name): n for n in forward_map.layers} if forward_map else {}
        for name, target in self.bare.items():
            used = name in nodes if forward_map else target.weights and _is_matrix(target)
            if used and target not in self.targets:
                self.targets.append(target)
        for target in self.targets:
            target.activation_unknown = "" if forward_map else unknown
            node = nodes.get(target.name)
            if node is not None:
                target.activation, target.normalised = node.activation, node.normalised
                target.order = node.order
        for number, target in enumerate(self.targets):
            target.index = number

    def refresh(self) -> None:
        """Look up parameters again: those of lazy layers appear with the first batch."""
        for target in self.targets:
            if target.module is not None:
                target.parameters = own_parameters(target.module)

    def in_order(self) -> list[Target]:
        """In the order in which the forward pass reaches them, those never reached at the end."""
        return sorted(self.targets, key=_place)


def _place(target: Target) -> float:
    if target.reached:
        return target.reached
    return float("inf") if target.order is None else target.order


def _is_matrix(target: Target) -> bool:
    """Without a recorded pass: whether a bare parameter looks like the weight of a layer."""
    return any(parameter.ndim == 2 for parameter in target.parameters.values())
