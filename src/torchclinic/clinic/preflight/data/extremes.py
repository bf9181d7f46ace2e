"""Targets that lie far outside of all others."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

FEWEST = 40
MOST_SHARE = 0.1  # of the rows: more are no exception
FAR = 8.0  # times as far from the median as the furthest of the others


class Extreme(NamedTuple):
    """Isolated values.

    Attributes:
        value: The commonest of them, or the furthest.
        rows: Rows that have one.
        share: The same over all rows.
        repeats: Rows that have exactly `value`.
        weight: Share of the squared deviations from the mean that these rows make up.
        bulk: (smallest, largest) of the others.
    """

    value: float
    rows: int
    share: float
    repeats: int
    weight: float
    bulk: tuple[float, float]


def extreme_values(targets: Tensor | None) -> Extreme | None:
    r"""Values that lie 8 times as far from the median as every other, in at most a tenth of rows.

    Sorted by their distance $d$ from the median, the values are cut where the ratio of adjacent
    distances is largest. A heavy tail has no such gap: its distances grow step by step.

    **Shape**: (N,).

    Returns:
        None without such a gap, with fewer than 40 rows, or where half of all values are one.

    >>> import torch
    >>> targets = torch.cat((torch.linspace(-2, 2, 98), torch.tensor([9999.0, 9999.0])))
    >>> found = extreme_values(targets)
    >>> found.value, found.rows, found.repeats, round(found.weight, 2)
    (9999.0, 2, 2, 0.98)
    """
    if targets is None or len(targets) < FEWEST or targets.is_complex():
        return None
    values = targets.double()
    values = values[values.isfinite()]
    if len(values) < FEWEST:
        return None
    distance = (values - values.median()).abs()
    order = distance.argsort()
    sorted_distance = distance[order]
    first = len(values) - int(MOST_SHARE * len(values))
    inner, outer = sorted_distance[first - 1 : -1], sorted_distance[first:]
    typical = float(sorted_distance[len(values) // 2])
    if not typical > 0:
        return None
    ratio = outer / inner.clamp(min=typical)
    cut = int(ratio.argmax())
    if not float(ratio[cut]) >= FAR:
        return None
    far, rest = values[order[first + cut :]], values[order[: first + cut]]
    found, counts = far.unique(return_counts=True)
    commonest = int(counts.argmax())
    deviations = (values - values.mean()).square()
    return Extreme(
        value=float(found[commonest] if int(counts[commonest]) > 1 else far[-1]),
        rows=len(far),
        share=len(far) / len(values),
        repeats=int(counts[commonest]),
        weight=float(deviations[order[first + cut :]].sum() / deviations.sum()),
        bulk=(float(rest.min()), float(rest.max())),
    )
