"""Modules by the places in which they stand."""

from __future__ import annotations

import copy

from torch import nn

from torchclinic.functional import activation_name


def replace_module(model: nn.Module, old: nn.Module, new: nn.Module) -> nn.Module:
    """Put `new` in every place in which `old` stands; returns `new` if that is the model itself.

    >>> model = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    >>> replace_module(model, model[1], nn.ReLU())[1]
    ReLU()
    """
    if model is old:
        return new
    for parent in list(model.modules()):
        for key, child in parent._modules.items():
            if child is old:
                parent._modules[key] = new
    return model


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


def alike(new: nn.Module, reference: nn.Module) -> nn.Module:
    """`new` in the mode, on the device and in the precision of `reference`.

    >>> alike(nn.BatchNorm1d(2), nn.Linear(2, 2).double()).weight.dtype
    torch.float64
    """
    new.train(reference.training)
    real = (p for p in reference.parameters() if p.is_floating_point())
    first = next(real, None)
    return new if first is None else new.to(first.device, first.dtype)
