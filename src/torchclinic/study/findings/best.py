"""The best arm, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from torchclinic.core import StudyBest, StudyComparison
from torchclinic.study.findings.comparisons import Scores, all_pairs
from torchclinic.study.findings.sentences import share_words
from torchclinic.study.judged import Judged
from torchclinic.study.statistics import sign_flip_p
from torchclinic.study.statistics.diverged import diverged, stand_in
from torchclinic.study.wording import number

RESAMPLES = 4_999


def find_best(
    scores: Scores,
    judged: Judged,
    pairs: Sequence[StudyComparison],
    *,
    confidence: float,
) -> StudyBest | None:
    """The arm with the best mean over the seeds that all arms have.

    Its share is the part of the bootstrap resamples of these seeds in which it is still the best;
    ties are shared. Arms from which no paired test tells it apart, after Holm's correction over
    all pairs, are its contenders.

    Args:
        scores: Of all runs that have one; arms without any are left out.
        judged: Metric and direction.
        pairs: All pairs of arms; where they were not made, each p is multiplied by their number.
        confidence: One minus the level of the tests.

    Returns:
        None with fewer than two arms that have a seed in common.
    """
    arms = [arm for arm, found in scores.items() if found]
    seeds = _common_seeds(scores, arms)
    if len(arms) < 2 or not seeds:
        return None
    table = counted(scores, arms, seeds, judged)
    gains = table if judged.higher_is_better else -table
    shares = dict(zip(arms, _shares(gains), strict=True))
    best = arms[int(np.argmax(gains.mean(axis=1)))]
    contenders = _contenders(best, arms, gains, pairs, confidence)
    ordered = dict(sorted(shares.items(), key=lambda item: -item[1]))
    found = StudyBest(best, shares[best], ordered, contenders)
    mean = number(float(table[arms.index(best)].mean()), 3)
    return StudyBest(
        best, shares[best], ordered, contenders, _sentence(found, judged, mean, len(seeds))
    )


def counted(
    scores: Scores, arms: Sequence[str], seeds: Sequence[int], judged: Judged
) -> NDArray[np.float64]:
    """Arms x seeds, with what a diverged run counts as."""
    values = [[scores[arm][seed] for seed in seeds] for arm in arms]
    flat = [score for row in values for score in row]
    worst = stand_in(flat, higher_is_better=judged.higher_is_better)
    worst = 0.0 if math.isnan(worst) else worst
    return np.array([[worst if diverged(score) else score for score in row] for row in values])


def _common_seeds(scores: Scores, arms: Sequence[str]) -> list[int]:
    if not arms:
        return []
    return [seed for seed in scores[arms[0]] if all(seed in scores[arm] for arm in arms)]


def _shares(gains: NDArray[np.float64]) -> list[float]:
    """Share of the resamples of the columns in which each row has the largest mean."""
    generator = np.random.default_rng(0)
    columns = gains.shape[1]
    drawn = generator.multinomial(columns, np.full(columns, 1 / columns), size=RESAMPLES)
    means = gains @ drawn.T
    tops = np.isclose(means, means.max(axis=0), rtol=1e-12, atol=0)
    return [float(share) for share in (tops / tops.sum(axis=0)).mean(axis=1)]


def _contenders(
    best: str,
    arms: Sequence[str],
    gains: NDArray[np.float64],
    pairs: Sequence[StudyComparison],
    confidence: float,
) -> tuple[str, ...]:
    level = 1 - confidence
    if pairs:
        p_values: Mapping[str, float] = {
            (c.after if c.before == best else c.before): c.holm_p
            for c in pairs
            if best in (c.before, c.after)
        }
    else:
        many = len(all_pairs(arms))
        own = gains[arms.index(best)]
        p_values = {
            arm: many * sign_flip_p(own - row)
            for arm, row in zip(arms, gains, strict=True)
            if arm != best
        }
    return (best, *(arm for arm in arms if arm != best and p_values.get(arm, 1.0) >= level))


def _sentence(best: StudyBest, judged: Judged, mean: str, seeds: int) -> str:
    led = (
        f"mean {judged.metric} {mean} over {seeds} seeds, the best in {share_words(best.share)} "
        "of the bootstrap resamples"
    )
    others = [arm for arm in best.contenders if arm != best.arm]
    if not others:
        return f"{best.arm} is the best arm: {led}"
    if len(others) + 1 == len(best.shares):
        return f"inconclusive: {best.arm} leads ({led}), but the seeds tell it from no other arm"
    listed = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} and {others[-1]}"
    return f"no clear best: {best.arm} leads ({led}), but the seeds do not tell it from {listed}"
