"""Each seed before and after, and the mean difference with its interval."""

from __future__ import annotations

import math

from markupsafe import Markup

from torchclinic.core import PairedComparison
from torchclinic.render.html.figures.strips import Axis, Mark, Row, strips
from torchclinic.render.html.scales import fitted, label, raised
from torchclinic.render.words import decimals_for, number, score, signed

MOST_SEEDS = 24  # rows; the others are counted in words


def pairs(comparison: PairedComparison, title: str) -> Markup:
    """One row a seed: a ring before, a dot after."""
    values = (*comparison.before, *comparison.after)
    decimals = decimals_for(values)
    triples = list(zip(comparison.seeds, comparison.before, comparison.after, strict=True))
    rows = [_seed(*triple, decimals) for triple in triples[:MOST_SEEDS]]
    if len(triples) > MOST_SEEDS:
        rows.append(Row(f"and {len(triples) - MOST_SEEDS} more seeds", notes=("", "")))
    return strips(
        rows,
        Axis(fitted(values, log=None if min(values, default=0) > 0 else False), comparison.metric),
        title=title,
        head="seed",
        columns=("before", "after"),
    )


def _seed(seed: int, before: float, after: float, decimals: int | None) -> Row:
    words = [raised(score(value, decimals)) for value in (before, after)]
    return Row(
        str(seed),
        (
            Mark("range", before, "", after),
            Mark("ring", before, "before", tip=f"before {words[0]}"),
            Mark("dot", after, "after", tip=f"after {words[1]}"),
        ),
        (words[0], words[1]),
    )


def difference(comparison: PairedComparison) -> Markup:
    """The mean difference and its interval on an axis with zero."""
    values = [comparison.low, comparison.high, comparison.mean_difference, 0.0]
    mean = comparison.mean_difference
    percent = number(100 * comparison.confidence)
    row = Row(
        "after − before",
        (
            Mark("range", comparison.low, "after wide", comparison.high),
            Mark("diamond", mean, "after", tip=f"mean difference {label(mean)}"),
        ),
        (raised(signed(mean)), f"[{label(comparison.low)}, {label(comparison.high)}]"),
    )
    return strips(
        [row],
        Axis(
            fitted([v for v in values if math.isfinite(v)], log=False),
            f"difference of {comparison.metric}; dashed: none",
            reference=0.0,
        ),
        title=f"Mean difference of {comparison.metric} with its {percent} % interval",
        head="mean difference",
        columns=("mean", f"{percent} % interval"),
        height=34,
    )
