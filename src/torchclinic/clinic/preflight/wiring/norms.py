"""Facts about normalisation layers: over how many numbers they average, and how they run."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import NormFacts
from torchclinic.data.structure import rows_of
from torchclinic.graph import undisturbed
from torchclinic.training import forward


def norm_facts(model: nn.Module, inputs: Any, batch_size: int | None) -> tuple[NormFacts, ...]:
    """One entry for each normalisation layer, as the training runs it.

    Args:
        model: Freshly built; it is left as it was.
        inputs: Some rows, structured as the model takes them.
        batch_size: Rows of a batch of the training; None for that of `inputs`.
    """
    layers = {name: module for name, module in model.named_modules() if _normalises(module)}
    if not layers:
        return ()
    rows = rows_of(inputs) or 1
    values = _values(model, layers, inputs, (batch_size or rows) / rows)
    with undisturbed(model):
        model.train()
        return tuple(_facts(name, layer, values.get(name)) for name, layer in layers.items())


def _normalises(module: nn.Module) -> bool:
    kinds = _BatchNorm | nn.LayerNorm | nn.GroupNorm | nn.RMSNorm
    return isinstance(module, kinds)


def _facts(name: str, layer: nn.Module, values: int | None) -> NormFacts:
    kept = isinstance(layer, _BatchNorm) and layer.track_running_stats
    return NormFacts(
        name=name,
        kind=type(layer).__name__,
        values=values,
        momentum=_momentum(layer) if kept else None,
        asleep=kept and not layer.training,
        untouched=kept and _untouched(layer),
    )


def _momentum(layer: nn.Module) -> float | None:
    momentum = getattr(layer, "momentum", None)
    return None if momentum is None else float(momentum)


def _untouched(layer: Any) -> bool:
    mean, variance = layer.running_mean, layer.running_var
    if mean is None or variance is None:
        return False
    return bool((mean == 0).all()) and bool((variance == 1).all())


def _values(
    model: nn.Module, layers: dict[str, nn.Module], inputs: Any, scale: float
) -> dict[str, int]:
    """Numbers behind each mean, counted in one forward pass."""
    found: dict[str, int] = {}

    def note(name: str, layer: nn.Module) -> Any:
        def look(_: nn.Module, given: tuple[Any, ...]) -> None:
            if given and isinstance(given[0], Tensor):
                found[name] = _count(layer, given[0], scale)

        return look

    handles = [layer.register_forward_pre_hook(note(name, layer)) for name, layer in layers.items()]
    try:
        with undisturbed(model), torch.no_grad():
            model.eval()
            forward(model, inputs)
    except TorchclinicError:  # the pass that gathers the other facts says so
        return {}
    finally:
        for handle in handles:
            handle.remove()
    return found


def _count(layer: nn.Module, given: Tensor, scale: float) -> int:
    if isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        return math.prod(layer.normalized_shape)
    if isinstance(layer, nn.GroupNorm):
        return given[0].numel() // layer.num_groups
    return max(round(given.numel() / given.shape[1] * scale), 1)
