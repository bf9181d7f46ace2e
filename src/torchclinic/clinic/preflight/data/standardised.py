"""Inputs as the model's own standardising layer hands them on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core.errors import TorchclinicError
from torchclinic.data.structure import tensors_of
from torchclinic.graph import undisturbed
from torchclinic.nn import Standardise
from torchclinic.training import forward


def leading_standardiser(model: nn.Module, inputs: Any) -> Standardise | None:
    """The layer that standardises the model's first input tensor before anything else does.

    >>> layer = Standardise(0.0, 2.0)
    >>> leading_standardiser(nn.Sequential(layer, nn.Linear(2, 1)), torch.ones(3, 2)) is layer
    True
    """
    layers = [module for module in model.modules() if isinstance(module, Standardise)]
    first = next(tensors_of(inputs), None)
    if not layers or first is None:
        return None
    fed: list[Standardise] = []

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        if given and given[0] is first and isinstance(module, Standardise):
            fed.append(module)

    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        with undisturbed(model), torch.no_grad():
            model.eval()
            forward(model, inputs)
    except TorchclinicError:
        return None
    finally:
        for handle in handles:
            handle.remove()
    return fed[0] if fed else None


def handed_on(layer: Standardise, inputs: Tensor) -> Tensor:
    """The inputs behind the layer, on the CPU."""
    with torch.no_grad():
        return layer(inputs.to(layer.mean.device)).cpu()
