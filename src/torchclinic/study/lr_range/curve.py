"""From the sweeps of several seeds to one curve with its band and its noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from torchclinic.study.lr_range.limits import (
    CONTROL_SMOOTHING,
    DIVERGED_RISE,
    SMOOTHING_DECADES,
)
from torchclinic.study.lr_range.smoothing import Floats, smooth
from torchclinic.study.lr_range.sweep import Sweep, stop_level

_FEWEST_FOR_NOISE = 5  # points


@dataclass(frozen=True)
class Curve:
    """Smoothed loss against learning rate over several seeds.

    Attributes:
        rates: As far as any seed came.
        mean: Mean over the seeds; a seed that has blown up counts at its stopping level.
        low: Smallest of the seeds.
        high: Largest of the seeds.
        noise: Standard deviation of a point of `mean` due to batches.
    """

    rates: Floats
    mean: Floats
    low: Floats
    high: Floats
    noise: float


def curve_of(sweeps: Sequence[Sweep], rates: Sequence[float]) -> Curve:
    """Average the sweeps.

    Args:
        sweeps: One a seed, over the same rates; starts finite.
        rates: The rates.
    """
    points = max(len(sweep.losses) for sweep in sweeps)
    seeds = np.stack([_levelled(sweep, points) for sweep in sweeps])
    density = (len(rates) - 1) / math.log10(rates[-1] / rates[0])
    smoothed, shrinkage = smooth(seeds, SMOOTHING_DECADES * density)
    mean = smoothed.mean(axis=0)
    return Curve(
        rates=np.asarray(rates[:points], dtype=np.float64),
        mean=mean,
        low=smoothed.min(axis=0),
        high=smoothed.max(axis=0),
        noise=_noise(seeds[:, : _falling(mean)]) * shrinkage / math.sqrt(len(sweeps)),
    )


def curve_of_ends(sweeps: Sequence[Sweep], rates: Sequence[float]) -> Curve:
    """Average what fresh models ended with at each rate.

    Here the points of a seed are runs of their own, so that the noise is read from the seeds: the
    standard deviation, over the seeds, of the loss less the untrained model's, at the rates up to
    the lowest loss. Of one seed nothing is known about it, and it counts as 0.

    Args:
        sweeps: One a seed, over the same rates; starts finite.
        rates: The rates.
    """
    ceilings = np.array([stop_level(sweep.start) for sweep in sweeps])[:, None]
    losses = np.array([sweep.losses for sweep in sweeps], dtype=np.float64)
    seeds = np.minimum(np.nan_to_num(losses, nan=np.inf), ceilings)
    density = (len(rates) - 1) / math.log10(rates[-1] / rates[0])
    smoothed, shrinkage = smooth(seeds, SMOOTHING_DECADES * density)
    mean = smoothed.mean(axis=0)
    moved = seeds - np.array([[sweep.start] for sweep in sweeps])
    spread = moved.std(axis=0, ddof=1) if len(sweeps) > 1 else np.zeros(1)
    noise = float(np.median(spread[: _falling(mean)])) * shrinkage / math.sqrt(len(sweeps))
    low, high = smoothed.min(axis=0), smoothed.max(axis=0)
    return Curve(np.asarray(rates, dtype=np.float64), mean, low, high, noise)


def _levelled(sweep: Sweep, points: int) -> Floats:
    """A seed's losses with the difficulty of each batch taken out, filled up after its stop.

    The loss of the untrained model on the same batch is a control variate: where the model has not
    changed it takes out all of the noise between batches. Where the model has learnt, its loss
    varies less than the untrained model's, so that only the share (level of the loss) / (level of
    the untrained model's) is taken out.
    """
    start = start_of(sweep)
    ceiling = stop_level(start)
    losses = np.nan_to_num(np.array(sweep.losses), nan=ceiling, posinf=ceiling, neginf=ceiling)
    losses = np.minimum(losses, ceiling)
    if sweep.untrained:
        level = smooth(losses, CONTROL_SMOOTHING).values
        share = np.clip(level / start, 0.0, 1.0) if start else np.ones_like(level)
        easier = share * (np.array(sweep.untrained) - start)
        losses = np.where(losses < ceiling, np.minimum(losses - easier, ceiling), losses)
    return np.concatenate((losses, np.full(points - losses.size, ceiling)))


def start_of(sweep: Sweep) -> float:
    """Loss of the untrained model, over as many batches as there are."""
    values = [loss for loss in sweep.untrained if math.isfinite(loss)]
    return float(np.mean(values)) if values else sweep.start


def _falling(mean: Floats) -> int:
    """Number of points up to the lowest one before the curve has clearly risen above its start.

    Beyond, losses jump because the rate is too high, which is no noise of the batches.
    """
    risen = np.nonzero(mean > mean[0] + DIVERGED_RISE * abs(mean[0]))[0]
    before = mean[: int(risen[0])] if risen.size else mean
    return max(_FEWEST_FOR_NOISE, int(np.argmin(before)) + 1)


def _noise(seeds: Floats) -> float:
    r"""Standard deviation of a point about the trend of its seed.

    sqrt(mean((y_{i-1} - 2 y_i + y_{i+1})^2) / 6): second differences take out any straight trend.

    Source: Gasser, Sroka and Jennen-Steinmetz (1986), doi:10.1093/biomet/73.3.625.
    """
    if seeds.shape[1] < 3:
        return 0.0
    return float(np.sqrt(np.mean(np.diff(seeds, 2, axis=1) ** 2) / 6))
