"""Modules by the places in which they stand."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from torchclinic.core import SurgeryError


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


def alike(new: nn.Module, reference: nn.Module) -> nn.Module:
    """`new` in the mode, on the device and in the precision of `reference`.

    >>> alike(nn.BatchNorm1d(2), nn.Linear(2, 2).double()).weight.dtype
    torch.float64
    """
    new.train(reference.training)
    tensors = [*reference.parameters(), *reference.buffers()]
    first = next((tensor for tensor in tensors if tensor.is_floating_point()), None)
    return new if first is None else new.to(first.device, first.dtype)


def make_plain(layer: nn.Module, name: str = "weight") -> None:
    """Take all parametrizations off a parameter, leaving it at its value.

    Copies of a parametrised module share its class with it, and torch takes the parametrization off
    the class. The layer therefore gets a class of its own first.

    Args:
        layer: The layer.
        name: Of the parameter; nothing happens if it has no parametrization.

    >>> import copy
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> twin = copy.deepcopy(layer)
    >>> make_plain(twin)
    >>> type(twin).__name__, type(layer).__name__, layer.weight.shape
    ('Linear', 'ParametrizedLinear', torch.Size([2, 2]))
    """
    if not parametrize.is_parametrized(layer, name):
        return
    shared = type(layer)
    members = {k: v for k, v in vars(shared).items() if k not in ("__dict__", "__weakref__")}
    own: Any = type(shared.__name__, shared.__bases__, members)
    layer.__class__ = own
    parametrize.remove_parametrizations(layer, name, leave_parametrized=True)


def refuse_inside_torchs(model: nn.Module, name: str) -> None:
    """A module inside one whose forward torch wrote may be looked into by it, and must stay.

    `nn.TransformerEncoderLayer` hands the weights of its norms to a fused kernel, whatever stands
    in their place.

    Args:
        model: The model.
        name: Of the module that is to be changed.

    Raises:
        SurgeryError: If it stands inside such a module.
    """
    parts = name.split(".")
    for end in range(1, len(parts)):
        parent = model.get_submodule(".".join(parts[:end]))
        if _is_torchs(parent):
            raise SurgeryError(
                f"{name!r} stands inside a {type(parent).__name__}, whose forward uses it directly",
                hint="write that block as a module of your own first",
            )


def _is_torchs(module: nn.Module) -> bool:
    plain = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
    container = plain or type(module) is nn.Module  # the latter in a traced model
    return type(module).__module__.startswith("torch.nn.") and not container
