"""Trace: the time series of readings that a watch took from a live model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Statistics of a layer. "activation_*" describe the layer's own output (the pre-activation of the
# non-linearity that follows it), as floats; "gradient" is the loss's derivative.
ACTIVATION_MEAN = "activation_mean"
ACTIVATION_STD = "activation_std"
ACTIVATION_MIN = "activation_min"
ACTIVATION_MAX = "activation_max"
SATURATED_SHARE = "saturated_share"  # of the output's elements, by the activation that follows
SILENT_SHARE = "silent_share"  # of the units, silent on every one of the last >= 512 samples
OUTPUT_GRADIENT_RMS = "output_gradient_rms"
GRADIENT_NORM = "gradient_norm"  # of the layer's own parameters
GRADIENT_RMS = "gradient_rms"  # the same over the square root of their number
WEIGHT_NORM = "weight_norm"
UPDATE_RATIO = "update_ratio"  # norm(w_after - w_before) / norm(w_before), weights only
NONFINITE = "nonfinite"  # elements of output, gradient and weight that are NaN or infinite
LAYER_STATISTICS = (
    ACTIVATION_MEAN,
    ACTIVATION_STD,
    ACTIVATION_MIN,
    ACTIVATION_MAX,
    SATURATED_SHARE,
    SILENT_SHARE,
    OUTPUT_GRADIENT_RMS,
    GRADIENT_NORM,
    GRADIENT_RMS,
    WEIGHT_NORM,
    UPDATE_RATIO,
    NONFINITE,
)

# Statistics of a step.
LOSS = "loss"
TOTAL_GRADIENT_NORM = "total_gradient_norm"
LEARNING_RATE = "learning_rate"
STEP_STATISTICS = (LOSS, TOTAL_GRADIENT_NORM, LEARNING_RATE)


@dataclass(frozen=True)
class Series:
    """One statistic over time: `values[i]` was read at optimizer step `steps[i]` (1-based)."""

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> float | None:
        """The newest value, or None."""
        return self.values[-1] if self.values else None

    def since(self, step: int) -> Series:
        """The part from `step` on.

        >>> Series((1, 2, 3), (0.1, 0.2, 0.3)).since(2).values
        (0.2, 0.3)
        """
        pairs = [(s, v) for s, v in zip(self.steps, self.values, strict=True) if s >= step]
        return Series(tuple(s for s, _ in pairs), tuple(v for _, v in pairs))


@dataclass(frozen=True)
class TracedLayer:
    """A watched layer.

    Attributes:
        name: Qualified module name.
        kind: Class name of the module.
        order: Position in the order in which the forward pass reaches it, from 0.
        activation: Name of the non-linearity that follows ("relu", "sigmoid", "tanh"), or None.
        weighted: Whether the layer has parameters of its own.
        series: Statistic -> its Series.
        not_applicable: Statistic -> why it was not read ("*" for the whole layer).
    """

    name: str
    kind: str
    order: int
    activation: str | None = None
    weighted: bool = True
    series: Mapping[str, Series] = field(default_factory=dict[str, Series])
    not_applicable: Mapping[str, str] = field(default_factory=dict[str, str])

    def __getitem__(self, statistic: str) -> Series:
        """The Series of a statistic; empty when it was not read."""
        return self.series.get(statistic, Series())


@dataclass(frozen=True)
class WatchCost:
    """What watching cost.

    Attributes:
        budget: Share of the training's time that was allowed.
        share: Share that was used, as measured.
        every: Steps between full readings at the end.
        readings: Full readings taken.
        steps: Optimizer steps seen.
    """

    budget: float = 0.0
    share: float = 0.0
    every: int = 1
    readings: int = 0
    steps: int = 0


@dataclass(frozen=True)
class Trace:
    """All readings of one run.

    Attributes:
        layers: Watched layers in forward order.
        steps: Statistic of the step -> its Series.
        cost: What watching cost.
        notes: What was not read and why, in sentences.
        meta: Facts about the run (torch version, rank, loss name).
    """

    layers: tuple[TracedLayer, ...] = ()
    steps: Mapping[str, Series] = field(default_factory=dict[str, Series])
    cost: WatchCost = field(default_factory=WatchCost)
    notes: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict[str, str])

    def layer(self, name: str) -> TracedLayer:
        """The layer of that name; KeyError when it was not watched."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def weighted(self) -> tuple[TracedLayer, ...]:
        """Layers with parameters of their own, in forward order."""
        return tuple(layer for layer in self.layers if layer.weighted)

    def profile(self, statistic: str, step: int | None = None) -> Mapping[str, float]:
        """Layer name -> value at `step` (the newest value by default), for layers that have it."""
        found: dict[str, float] = {}
        for layer in self.layers:
            value = _value_at(layer[statistic], step)
            if value is not None:
                found[layer.name] = value
        return found

    def save(self, path: str) -> None:
        """Write the trace to one safetensors file (see `torchclinic.watch.save_trace`)."""
        from torchclinic.core.extensions import call

        call("save_trace", self, path)


def _value_at(series: Series, step: int | None) -> float | None:
    if step is None:
        return series.last
    return next((v for s, v in zip(series.steps, series.values, strict=True) if s == step), None)


def merge_notes(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes without repetitions, in order."""
    return tuple(dict.fromkeys(notes))
