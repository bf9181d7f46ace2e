"""Modules by the places in which they stand."""

from __future__ import annotations

import copy

from torch import nn

from torchclinic.functional import activation_name


def unshare_activations(model: nn.Module) -> None:
    """Give each place its own instance of an activation that stands in several.

    A module without parameters computes the same as its copy; afterwards one place can be changed
    without the others.

    >>> act = nn.Tanh()
    >>> model = nn.Sequential(act, act)
    >>> unshare_activations(model)
    >>> model[0] is model[1]
    False
    """
    seen: set[int] = set()
    for parent in list(model.modules()):
        for key, child in parent._modules.items():
            if child is None or activation_name(child) is None or list(child.parameters()):
                continue
            if id(child) in seen:
                child = copy.deepcopy(child)  # noqa: PLW2901
                parent._modules[key] = child
            seen.add(id(child))
