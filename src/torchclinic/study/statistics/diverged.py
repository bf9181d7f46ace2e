"""What a diverged run counts as in a paired comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence

BEYOND_MEASURE = 1e150  # a score this large has overflowed in all but name: its square is infinite


def diverged(score: float) -> bool:
    """Whether a score is NaN, infinite or beyond all measure.

    >>> diverged(float("nan")), diverged(0.3)
    (True, False)
    """
    return not math.isfinite(score) or abs(score) >= BEYOND_MEASURE


def stand_in(
    scores: Sequence[float], *, higher_is_better: bool, chance: float | None = None
) -> float:
    """The finite score that a diverged run counts as.

    With `chance` known: chance, or the worst finite score seen where that is worse still. Without
    it: one whole range of the finite scores beyond the worst of them (the worst score's own
    magnitude where they do not differ), but not across zero where no finite score is negative. A
    diverged run is so never better than a run that did not diverge, and what it adds to a mean
    difference stays within the scale of the scores that were measured.

    Args:
        scores: All scores of both arms.
        higher_is_better: Direction of the score.
        chance: Score of a model that has learnt nothing, if known.

    Returns:
        A score; NaN when nothing finite is known.

    >>> stand_in([0.9, 0.8, float("nan")], higher_is_better=True, chance=0.1)
    0.1
    >>> round(stand_in([0.2, 0.3, float("inf")], higher_is_better=False), 3)
    0.4
    """
    finite = [score for score in scores if not diverged(score)]
    worst = min if higher_is_better else max
    if chance is not None:
        return worst([chance, *finite])
    if not finite:
        return math.nan
    away = (max(finite) - min(finite)) or abs(worst(finite)) or 1.0
    beyond = worst(finite) - away if higher_is_better else worst(finite) + away
    return max(beyond, 0.0) if min(finite) >= 0 else beyond
