"""Modules by the places in which they stand."""

from __future__ import annotations

from torch import nn

from torchclinic.core import SurgeryError


def put(model: nn.Module, old: nn.Module, new: nn.Module) -> nn.Module:
    """Put `new` in every place in which `old` stands; returns `new` if that is the model itself.

    >>> model = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    >>> put(model, model[1], nn.ReLU())[1]
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
