"""Holm's correction for several comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from torchclinic.core import UsageError


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values that keep the chance of any false alarm below the level.

    The i-th smallest of m p-values is multiplied by m - i + 1, never falls below the adjusted
    value before it and never exceeds 1.

    Args:
        p_values: One a comparison, each in [0, 1].

    Returns:
        Adjusted p-values in the order given.

    Raises:
        UsageError: When a p-value is not in [0, 1].

    Source:
        Holm, A Simple Sequentially Rejective Multiple Test Procedure (1979), Scand. J. Statist.
        6, 65-70.

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise UsageError(f"a p-value is {p!r}", hint="a probability between 0 and 1")
    adjusted = [0.0] * len(p_values)
    floor = 0.0
    ranked = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(ranked):
        floor = min(1.0, max(floor, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = floor
    return tuple(adjusted)
