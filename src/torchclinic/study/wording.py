"""Numbers and comparisons in words that need no statistics course."""

from __future__ import annotations

import math
from statistics import fmean

from torchclinic.core import PairedComparison

_DIGITS_OF_DIFFERENCE = 2
_MOST_DECIMALS = 6


def number(value: float, decimals: int = 2) -> str:
    """A score as a person writes it; powers of ten where decimals would show nothing.

    >>> number(0.9736), number(0.9736, 3), number(3.2e-05), number(1234567.0)
    ('0.97', '0.974', '3.2e-05', '1.2e+06')
    """
    if math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    too_small = 0 < abs(value) < 0.5 * 10.0**-decimals
    return f"{value:.2g}" if too_small or abs(value) >= 1e5 else f"{value:.{decimals}f}"


def signed(value: float, decimals: int = 2) -> str:
    """The same with its sign.

    >>> signed(0.8701), signed(-1.2)
    ('+0.87', '-1.20')
    """
    return f"+{number(value, decimals)}" if value >= 0 else number(value, decimals)


def decimals_for(difference: float) -> int:
    """Decimals that show a difference: two digits of it, at least two unless it is large.

    >>> decimals_for(0.87), decimals_for(0.0017), decimals_for(2300.0)
    (2, 4, 0)
    """
    if difference == 0 or not math.isfinite(difference):
        return 2
    size = math.floor(math.log10(abs(difference)))
    if size >= 1:
        return max(0, 2 - size)
    return min(_MOST_DECIMALS, max(2, _DIGITS_OF_DIFFERENCE - 1 - size))


def p_words(p: float) -> str:
    """A p-value with the digits that matter.

    >>> p_words(0.03125), p_words(0.00002)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def wins(comparison: PairedComparison) -> int:
    """Seeds on which the second arm is better."""
    direction = 1 if comparison.higher_is_better else -1
    pairs = zip(comparison.before, comparison.after, strict=True)
    return sum(direction * (after - before) > 0 for before, after in pairs)


def comparison_words(
    comparison: PairedComparison, names: tuple[str, str] = ("before", "after")
) -> str:
    """The comparison in one clause: means, seeds, difference with its interval, p.

    Args:
        comparison: The comparison.
        names: What its first and its second arm are called where runs of one diverged.

    >>> from torchclinic.study.statistics import paired_comparison
    >>> print(comparison_words(paired_comparison(
    ...     [2.3] * 6, [0.1] * 6, seeds=range(6), metric="loss", higher_is_better=False)))
    loss 2.30 -> 0.10 (lower is better) on 6 of 6 seeds, difference -2.20 [-2.20, -2.20], p = 0.031
    """
    c, decimals = comparison, decimals_for(comparison.mean_difference)
    seeds = len(c.seeds)
    change = " -> ".join(_arm_words(c, arm, decimals) for arm in (0, 1))
    way = "" if c.higher_is_better else " (lower is better)"
    count = f"on {seeds} of {seeds}" if wins(c) == seeds else f", better on {wins(c)} of {seeds}"
    interval = f"[{number(c.low, decimals)}, {number(c.high, decimals)}]"
    odd = _diverged(c, names)
    return (
        f"{c.metric} {change}{way} {count} seeds, difference "
        f"{signed(c.mean_difference, decimals)} {interval}, {p_words(c.p_value)}{odd}"
    ).replace(" ,", ",")


def _arm_words(comparison: PairedComparison, arm: int, decimals: int) -> str:
    scores = (comparison.before, comparison.after)[arm]
    if comparison.diverged[arm] == len(scores):
        return "diverged"
    return number(fmean(scores), decimals)


def _diverged(comparison: PairedComparison, names: tuple[str, str]) -> str:
    """How many runs had no finite score, where the means do not say it."""
    seeds = len(comparison.seeds)
    told = [
        f"{count} of {seeds} runs {name} diverged"
        for name, count in zip(names, comparison.diverged, strict=True)
        if 0 < count < seeds
    ]
    return f" ({', '.join(told)})" if told else ""
