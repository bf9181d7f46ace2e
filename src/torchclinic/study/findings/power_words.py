"""What a number of seeds can and cannot show, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from torchclinic.core import PairedComparison, StudyComparison
from torchclinic.study.statistics import detectable_effect, fewest_seeds, seeds_needed

POWER = 0.8  # 4 times out of 5, Cohen's convention: Statistical Power Analysis (1988), 2.4
WORTH_RUNNING = 1000  # seeds; beyond, "more seeds" is no advice
_IN_POINTS = ("accuracy",)  # shares that people speak of in hundredths
_STEPS = (1.0, 2.0, 5.0, 10.0)


def strict_confidence(confidence: float, family: int) -> float:
    """The confidence at which the first of several comparisons has to pass Holm's correction.

    >>> round(strict_confidence(0.95, 5), 3)
    0.99
    """
    return 1 - (1 - confidence) / max(family, 1)


def amount_words(difference: float, metric: str) -> str:
    """A difference in the unit that people use.

    >>> amount_words(0.005, "accuracy"), amount_words(0.031, "loss")
    ('0.5 points', '0.031 in loss')
    """
    shown = abs(difference)
    if metric in _IN_POINTS:
        points = float(f"{100 * shown:.2g}")
        return f"{points:g} point{'' if points == 1 else 's'}"
    return f"{float(f'{shown:.2g}'):g} in {metric}"


def power_sentence(
    difference: float, std: float, *, metric: str, confidence: float, family: int = 1
) -> str:
    """How many seeds it takes to see a difference.

    Args:
        difference: Its size.
        std: Standard deviation of the paired differences between seeds.
        metric: Its name.
        confidence: One minus the level of the tests.
        family: Comparisons that are corrected together.

    >>> power_sentence(0.005, 0.004, metric="accuracy", confidence=0.95)
    'to see a difference of 0.5 points you need 8 seeds'
    """
    needed = seeds_needed(
        difference, std, confidence=strict_confidence(confidence, family), power=POWER
    )
    words = f"to see a difference of {amount_words(difference, metric)} you need"
    if needed is None or needed > WORTH_RUNNING:
        return f"{words} more than {WORTH_RUNNING} seeds"
    return f"{words} {needed} seeds"


def comparison_power(c: PairedComparison, family: int) -> str:
    """How many seeds a difference as large as the measured one would take."""
    differences = np.subtract(c.after, c.before)
    fewest = fewest_seeds(strict_confidence(c.confidence, family))
    if len(c.seeds) < 2 or not np.isfinite(differences).all():
        return f"{fewest} seeds or more could settle it"
    if c.mean_difference == 0:
        return "there is no difference to be seen"
    words = power_sentence(
        c.mean_difference,
        float(differences.std(ddof=1)),
        metric=c.metric,
        confidence=c.confidence,
        family=family,
    )
    if len(c.seeds) < fewest:
        words += f" (with fewer than {fewest} no difference can be shown at all)"
    return words


def study_power(
    comparisons: Sequence[StudyComparison], *, metric: str, confidence: float
) -> tuple[str, ...]:
    """What the seeds of a study can show.

    The spread between seeds is the median over the comparisons.

    Args:
        comparisons: Of one family.
        metric: Its name.
        confidence: One minus the level of the tests.
    """
    if not comparisons:
        return ()
    family, seeds = len(comparisons), min(len(c.comparison.seeds) for c in comparisons)
    strict = strict_confidence(confidence, family)
    spread = typical_spread(comparisons)
    together = f"{family} comparisons" if family > 1 else "one comparison"
    if seeds < fewest_seeds(strict):
        fewest = f"{fewest_seeds(strict)} seeds is the fewest"
        return (f"with {seeds} seeds and {together} no difference can be shown: {fewest}",)
    if spread is None:
        return ()
    visible = detectable_effect(seeds, confidence=strict, power=POWER) * spread
    size = amount_words(visible, metric)
    found = f"with {seeds} seeds and {together} a difference of {size} is found 4 times out of 5"
    options = {"metric": metric, "confidence": confidence, "family": family}
    wished = [_round(visible / part) for part in (2, 4)]
    return (found, *(power_sentence(size, spread, **options) for size in wished))


def typical_spread(comparisons: Sequence[StudyComparison]) -> float | None:
    """Median over the comparisons of the differences' standard deviation between seeds.

    Comparisons in which runs diverged count only where there is no other: what a diverged run
    counts as says nothing of the spread.
    """
    whole = [c for c in comparisons if c.comparison.diverged == (0, 0)]
    tables = [np.subtract(c.comparison.after, c.comparison.before) for c in whole or comparisons]
    spreads = [float(d.std(ddof=1)) for d in tables if d.size > 1 and np.isfinite(d).all()]
    return median(spreads) if spreads and median(spreads) > 0 else None


def _round(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten."""
    scale = 10.0 ** math.floor(math.log10(value))
    return min(_STEPS, key=lambda step: abs(math.log(step * scale / value))) * scale
