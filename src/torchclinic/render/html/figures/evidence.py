"""Measured numbers against their thresholds: small bullet charts."""

from __future__ import annotations

import math

from markupsafe import Markup

from torchclinic.core import Evidence
from torchclinic.render.html.figures.strips import Axis, Mark, Row, strips
from torchclinic.render.html.scales import Scale, label
from torchclinic.render.html.svg import tag
from torchclinic.render.words import printable

ROOM = 3.0  # the axis reaches so many times beyond value and threshold
WORDS = {"<": "below", ">": "above", "=": "at", "outside": "outside of"}


def bullet(evidence: Evidence) -> Markup:
    """One number: words, and where it stands against the threshold if that can be drawn."""
    unit = f" {evidence.unit}" if evidence.unit else ""
    head = [tag("b", f"{label(evidence.value)}{unit}", class_="value")]
    if evidence.threshold is not None:
        limit = f"trouble {WORDS[evidence.comparison]} {label(evidence.threshold)}{unit}"
        head.append(tag("span", limit, class_="soft"))
    name = evidence.statistic + (f" ({evidence.layer})" if evidence.layer else "")
    parts = [tag("p", printable(name), class_="statistic"), tag("p", *head)]
    scale = axis(evidence)
    if scale is not None:
        parts.append(_drawing(evidence, scale))
    if evidence.source:
        parts.append(tag("p", f"Threshold: {bare(evidence.source)}", class_="source"))
    return tag("li", *parts, class_="bullet")


def bare(source: str) -> str:
    """A source without the scheme of an address: the page holds no link to follow.

    >>> bare("https://pytorch.org/docs")
    'pytorch.org/docs'
    """
    return printable(source).replace("https://", "").replace("http://", "")


def axis(evidence: Evidence) -> Scale | None:
    """An axis that shows value and threshold; None when one of them cannot be placed.

    >>> axis(Evidence("ratio", 1e-5, 1e-3, "<")).log
    True
    """
    value, limit = evidence.value, evidence.threshold
    if limit is None or not (math.isfinite(value) and math.isfinite(limit)):
        return None
    if evidence.comparison not in ("<", ">"):
        return None
    low, high = min(value, limit), max(value, limit)
    if low > 0 and high / low > ROOM**2:
        return Scale(low / ROOM, high * ROOM, log=True)
    span = high - low or abs(high) or 1.0
    left = 0.0 if 0 <= low < high else low - span / 2
    right = high + span / 2
    return Scale(left, right) if math.isfinite(right - left) else None


def _drawing(evidence: Evidence, scale: Scale) -> Markup:
    limit = evidence.threshold
    assert limit is not None
    edge = scale.low if evidence.comparison == "<" else scale.high
    row = Row(
        evidence.statistic,
        (
            Mark("zone", limit, "", edge),
            Mark("tick", limit, "limit"),
            Mark("diamond", evidence.value, "before"),
        ),
    )
    return strips(
        [row], Axis(scale, "value"), title=evidence.statistic, head="statistic", height=20
    )
