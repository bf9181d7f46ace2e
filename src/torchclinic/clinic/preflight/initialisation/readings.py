"""Readings by layer from one forward and backward pass over the sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from torchclinic.core.facts import LayerReadings
from torchclinic.functional import saturated_share, saturation_threshold, silences, silent_units
from torchclinic.graph import ForwardMap, LayerNode


@dataclass
class _Forward:
    """What is read of a layer's output the moment it is there."""

    mean: float
    std: float
    saturated_share: float | None
    saturated_units: float | None
    silent_share: float | None
    rows: int
    nonfinite: int
    gradient_rms: float | None = None


class LayerReader:
    """Collects readings while a pass runs: give `on_output` to the recorder, then `result`.

    Args:
        forward_map: How the layers hang together, from a first pass: tells which activation
            judges a layer's output.
    """

    def __init__(self, forward_map: ForwardMap) -> None:
        self._map = forward_map
        self._read: dict[str, _Forward] = {}

    def on_output(self, name: str, output: Tensor) -> None:
        """Read an output; of a layer that runs several times, the last one before its activation.

        A layer's output also gets a hook that notes the gradient that comes back to it.
        """
        node = self._map.layer(name)
        if node is None or not output.is_floating_point() or output.numel() == 0:
            return
        reading = _read(node, output.detach().float())
        self._read[name] = reading
        if output.requires_grad:

            def note(gradient: Tensor) -> None:
                reading.gradient_rms = float(gradient.detach().float().square().mean().sqrt())
                reading.nonfinite += int((~gradient.isfinite()).sum())

            output.register_hook(note)

    def result(self) -> tuple[LayerReadings, ...]:
        """Readings in forward order; call it after the backward pass."""
        found = ((node, self._read.get(node.name)) for node in self._map.layers)
        return tuple(_reading(node, read) for node, read in found if read is not None)


def _read(node: LayerNode, values: Tensor) -> _Forward:
    finite = values.isfinite()
    broken = int((~finite).sum())
    known = values[finite] if broken else values
    activation = None if node.normalised else node.activation
    axis = node.unit_dim if values.dim() > 1 else 0
    threshold = saturation_threshold(activation)
    return _Forward(
        mean=float(known.mean()) if known.numel() else float("nan"),
        std=float(known.std(correction=0)) if known.numel() else float("nan"),
        saturated_share=None if threshold is None else float(saturated_share(values, activation)),
        saturated_units=None if threshold is None else _saturated_units(values, axis, threshold),
        silent_share=_silent_share(values, axis, activation),
        rows=values.shape[0],
        nonfinite=broken,
    )


def _saturated_units(values: Tensor, axis: int, threshold: float) -> float:
    rows = values.movedim(axis, -1).reshape(-1, values.shape[axis])
    share = (rows.abs() >= threshold).float().mean(0)
    return float((share > 0.5).float().mean())


def _silent_share(values: Tensor, axis: int, activation: str | None) -> float | None:
    if not silences(activation):
        return None
    return float(silent_units(values, activation, axis).float().mean())


def _reading(node: LayerNode, read: _Forward) -> LayerReadings:
    gradients = [p.grad for p in _parameters(node) if p.grad is not None]
    weight = node.weight if node.weight is not None else getattr(node.module, "weight", None)
    main = weight.grad if isinstance(weight, Tensor) and weight.grad is not None else None
    return LayerReadings(
        name=node.name,
        activation_mean=read.mean,
        activation_std=read.std,
        saturated_share=read.saturated_share,
        saturated_units=read.saturated_units,
        silent_share=read.silent_share,
        rows=read.rows,
        gradient_norm=_norm(gradients),
        gradient_rms=_rms([main] if main is not None else gradients),
        output_gradient_rms=read.gradient_rms,
        nonfinite=read.nonfinite + sum(int((~g.isfinite()).sum()) for g in gradients),
    )


def _parameters(node: LayerNode) -> list[nn.Parameter]:
    if node.weight is not None:
        return [node.weight]
    return [] if node.module is None else list(node.module.parameters())


def _norm(gradients: list[Tensor]) -> float | None:
    if not gradients:
        return None
    return float(torch.stack([g.detach().float().norm() for g in gradients]).norm())


def _rms(gradients: list[Tensor]) -> float | None:
    norm = _norm(gradients)
    count = sum(g.numel() for g in gradients)
    return None if norm is None or count == 0 else norm / count**0.5
