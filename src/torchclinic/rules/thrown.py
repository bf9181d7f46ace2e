"""Steps so large that the hidden layers get no gradient any more: what a trace alone tells."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchclinic.core.trace import GRADIENT_NORM, UPDATE_RATIO, Trace, TracedLayer
from torchclinic.functional.robust import median
from torchclinic.rules import thresholds as t
from torchclinic.rules.traced import deep_layers


@dataclass(frozen=True)
class Thrown:
    """A net that learnt at first, and that a few large steps put out.

    Attributes:
        layer: Name of the first layer.
        ratio: Largest update-to-weight ratio, median over the layers, up to that step.
        left: Gradient of the first layer from then on, over its first.
        step: From which it is that small.
    """

    layer: str
    ratio: float
    left: float
    step: int


def thrown(trace: Trace | None) -> Thrown | None:
    """Where the first layer's gradient ends for good, after steps as large as the weights.

    >>> thrown(None) is None
    True
    """
    layers = deep_layers(trace)
    if len(layers) < 2:
        return None
    first = layers[0]
    norms = first[GRADIENT_NORM]
    start = next((value for value in norms.values if value > 0), 0.0)
    if not 0 < start < math.inf:
        return None
    small = [value <= t.PUT_OUT * start for value in norms.values]
    lasts = next((k for k in range(len(small)) if all(small[k:])), None)
    if not lasts or 2 * norms.steps[lasts] > norms.steps[-1]:
        return None  # never, from the start on, or only at the end
    ratio = max((_ratio(layers, step) for step in norms.steps[: lasts + 1]), default=0.0)
    left = median(norms.values[lasts:]) / start
    return Thrown(first.name, ratio, left, norms.steps[lasts]) if ratio > t.UPDATE_HIGH else None


def _ratio(layers: tuple[TracedLayer, ...], step: int) -> float:
    """Median over the layers of the update-to-weight ratio at a step."""
    found = [
        value
        for layer in layers
        for at, value in zip(layer[UPDATE_RATIO].steps, layer[UPDATE_RATIO].values, strict=True)
        if at == step and math.isfinite(value)
    ]
    return median(found) if found else 0.0
