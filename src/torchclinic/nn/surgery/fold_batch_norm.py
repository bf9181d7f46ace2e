"""Batch norm folded into the layer before it, for inference."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import SurgeryError
from torchclinic.nn.normalisation import FrozenBatchNorm
from torchclinic.nn.surgery.neighbours import neighbours
from torchclinic.nn.surgery.places import make_plain, replace_module


def fold_batch_norm(
    model: nn.Module, example: Any | None = None, *, inplace: bool = False
) -> nn.Module:
    r"""The model with each batch norm folded into the layer whose output it normalises.

    $W' = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}} W$, $b' = \frac{\gamma}{\sqrt{\sigma^2 +
    \epsilon}} (b - \mu) + \beta$ with the running statistics, by unit

    The output in evaluation mode stays the same and the norms' work is saved. Folded are norms that
    directly follow a Linear, a convolution or a transposed convolution whose output goes nowhere
    else; an `nn.Identity` takes their place. Others stay.

    Args:
        model: In any mode.
        example: A batch of inputs to see the order of the layers by (a tuple for several
            arguments); None to trace the forward with torch.fx.
        inplace: Whether to change the model itself instead of a copy.

    Returns:
        The folded model, in evaluation mode.

    Raises:
        SurgeryError: If no norm can be folded, or the order of the layers cannot be seen.

    Source: Jacob et al. 2018, section 3.2, arXiv 1712.05877.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU()).eval()
    >>> folded, x = fold_batch_norm(model), torch.ones(1, 2)
    >>> folded[1], bool((folded(x) - model(x)).abs().max() < 1e-6)
    (Identity(), True)
    """
    if not inplace:
        model = copy.deepcopy(model)
    pairs = _pairs(model, example)
    model.eval()
    for norm, layer in pairs:
        _fold(layer, norm)
        model = replace_module(model, norm, nn.Identity().eval())
    return model


def _pairs(model: nn.Module, example: Any | None) -> list[tuple[Any, Any]]:
    norms = {name: module for name, module in model.named_modules() if _is_fixed(module)}
    if not norms:
        raise SurgeryError(f"{type(model).__name__} has no batch norm with running statistics")
    around = neighbours(model, example)
    uses = Counter(id(p) for m in model.modules() for p in m.parameters(recurse=False))
    found: list[tuple[Any, Any]] = []
    for name, norm in norms.items():
        before = around.direct(name)
        layer = None if before is None else model.get_submodule(before)
        if layer is not None and all(uses[id(p)] == 1 for p in layer.parameters()):
            found.append((norm, layer))
    if not found:
        raise SurgeryError(
            f"none of the batch norms {', '.join(map(repr, norms))} directly follows a layer of "
            "its own",
            hint="only a norm right behind a Linear or a convolution can be folded",
        )
    return found


def _is_fixed(module: nn.Module) -> bool:
    norm: Any = module
    known = isinstance(module, nn.modules.batchnorm._BatchNorm | FrozenBatchNorm)
    return known and norm.running_mean is not None


@torch.no_grad()
def _fold(layer: Any, norm: Any) -> None:
    make_plain(layer)
    make_plain(layer, "bias")
    weight: Tensor = layer.weight
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double()
    if layer.bias is not None:
        shift = shift + layer.bias.double()
    shift = shift * scale
    if norm.bias is not None:
        shift = shift + norm.bias.double()
    weight.copy_((weight.double() * _by_unit(layer, scale)).to(weight.dtype))
    bias = nn.Parameter(shift.to(weight.dtype), requires_grad=weight.requires_grad)
    layer.register_parameter("bias", bias)


def _by_unit(layer: Any, scale: Tensor) -> Tensor:
    """The scale in a shape that broadcasts against the weight."""
    positions = [1] * (layer.weight.dim() - 2)
    if not isinstance(layer, nn.modules.conv._ConvTransposeNd):
        return scale.view(-1, 1, *positions)
    inputs = layer.in_channels // layer.groups
    groups = scale.view(layer.groups, 1, -1).expand(-1, inputs, -1)
    return groups.reshape(layer.in_channels, -1, *positions)
