"""What a Trace shows of each weighted layer, summed up over the run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torchclinic.core.trace import Series, Trace, TracedLayer
from torchclinic.functional.robust import finite, median


@dataclass(frozen=True)
class Profile:
    """One statistic by layer, each the median over the run.

    Attributes:
        names: Layers in forward order.
        values: Medians of their readings.
    """

    names: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def deep_layers(trace: Trace | None) -> tuple[TracedLayer, ...]:
    """Weighted layers in forward order without norms and embeddings.

    A norm's parameters start at one and an embedding's gradient is sparse: neither compares with
    the weights of a Linear or Conv layer.
    """
    if trace is None:
        return ()
    kept = (
        layer
        for layer in trace.weighted()
        if "Norm" not in layer.kind and "Embedding" not in layer.kind
    )
    return tuple(sorted(kept, key=lambda layer: layer.order))


def profile(layers: Iterable[TracedLayer], statistic: str) -> Profile:
    """The median of a statistic over the run, for layers that have it."""
    found = [
        (layer.name, median(layer[statistic].values))
        for layer in layers
        if finite(layer[statistic].values)
    ]
    return Profile(tuple(name for name, _ in found), tuple(value for _, value in found))


def agreeing(first: Series, last: Series, low: float, high: float) -> float:
    """Share of the common steps at which first / last lies outside of [low, high].

    >>> agreeing(Series((1, 2), (1.0, 1.0)), Series((1, 2), (1000.0, 1.0)), 0.01, 100.0)
    0.5
    """
    later = dict(zip(last.steps, last.values, strict=True))
    pairs = [
        (value, later[step])
        for step, value in zip(first.steps, first.values, strict=True)
        if step in later and math.isfinite(value) and math.isfinite(later[step])
    ]
    judged = [(a, b) for a, b in pairs if b > 0]
    if not judged:
        return 0.0
    return sum(not low <= a / b <= high for a, b in judged) / len(judged)


def layer_of(trace: Trace | None, name: str) -> TracedLayer | None:
    """The watched layer of that name, None if it was not watched."""
    layers = trace.layers if trace is not None else ()
    return next((layer for layer in layers if layer.name == name), None)


def window(layer: TracedLayer, statistic: str) -> tuple[int, int] | None:
    """First and last step at which a statistic was read."""
    steps = layer[statistic].steps
    return (steps[0], steps[-1]) if steps else None
