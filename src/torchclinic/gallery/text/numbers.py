"""Measured values in words."""

from __future__ import annotations

import math

from torchclinic.gallery.claim import Claim


def short(value: float) -> str:
    """Four significant digits.

    >>> short(0.123456), short(12345.6), short(1.2e-7), short(3.0)
    ('0.1235', '12346', '1.2e-07', '3')
    """
    if math.isfinite(value) and 1e4 <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:.4g}"


def points(share: float) -> str:
    """A difference of accuracies, in points.

    >>> points(0.0124), points(-0.003), points(-0.0004)
    ('1.2 points', '-0.3 points', 'less than 0.05 points')
    """
    return f"{100 * share:.1f} points" if abs(share) >= 0.0005 else "less than 0.05 points"


def toll(lost: float) -> str:
    """What something does to an accuracy, in points.

    Args:
        lost: Accuracy without it minus accuracy with it.

    >>> toll(0.008), toll(-0.0024)
    ('costs 0.8 points', 'gains 0.2 points')
    """
    return f"{'costs' if lost >= 0 else 'gains'} {points(abs(lost))}"


def claim_value(claim: Claim) -> str:
    """The measured value with its interval, if it has one.

    >>> from torchclinic.gallery import judge
    >>> claim_value(judge("", source="", measure="", values=[1.0, 2.0, 3.0], above=0))
    '2 (95 % interval over 3 seeds: -0.4841 to 4.484)'
    """
    unit = f" {claim.unit}" if claim.unit else ""
    mean = f"{short(claim.value)}{unit}"
    if claim.low == claim.high == claim.value:
        return mean
    if math.isinf(claim.low):
        return f"{mean} (one seed: no interval)"
    ends = f"{short(claim.low)} to {short(claim.high)}"
    return f"{mean} (95 % interval over {len(claim.values)} seeds: {ends})"
