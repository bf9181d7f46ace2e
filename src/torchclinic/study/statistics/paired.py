"""paired_comparison: two arms over the same seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from torchclinic.core import PairedComparison, UsageError
from torchclinic.study.statistics.bootstrap import bca_interval
from torchclinic.study.statistics.diverged import diverged, stand_in
from torchclinic.study.statistics.effect import effect_size, superiority
from torchclinic.study.statistics.interval import mean_interval
from torchclinic.study.statistics.sample import mean
from torchclinic.study.statistics.sign_flip import sign_flip_p


def paired_comparison(
    before: Sequence[float],
    after: Sequence[float],
    *,
    seeds: Sequence[int],
    metric: str,
    higher_is_better: bool,
    confidence: float = 0.95,
    chance: float | None = None,
    interval: Literal["bca", "sign-flip"] = "bca",
) -> PairedComparison:
    """Compare two arms that were run on the same seeds.

    A run whose score is NaN or infinite has diverged and counts as bad as `stand_in` says: as
    chance, or worse than the worst finite score seen. Two diverged runs of one seed are a tie. The
    comparison holds the scores as they were counted.

    Args:
        before: Score of the first arm for each seed.
        after: Score of the second arm for each seed.
        seeds: The seeds, in the same order, each once.
        metric: Name of the score.
        higher_is_better: Its direction.
        confidence: Of the interval; 1 - confidence is the level of the test.
        chance: Score of a model that has learnt nothing, if known.
        interval: "bca" for the bootstrap, "sign-flip" for the one that agrees with the test and
            keeps its confidence with few seeds (`mean_interval`).

    Returns:
        The comparison. When no run of either arm has a finite score and `chance` is unknown, all
        pairs tie: difference 0, p = 1.

    Raises:
        UsageError: When the lengths differ, nothing is given, or a seed occurs twice.

    >>> c = paired_comparison([0.1] * 6, [0.95, 0.97, 0.96, 0.97, 0.98, 0.97],
    ...                       seeds=range(6), metric="accuracy", higher_is_better=True)
    >>> c.better, c.p_value
    (True, 0.03125)
    """
    _check(before, after, seeds)
    worst = stand_in([*before, *after], higher_is_better=higher_is_better, chance=chance)
    first, second = _counted(before, worst), _counted(after, worst)
    nothing = math.isnan(worst) and all(map(diverged, first))
    differences = [0.0] * len(first) if nothing else _differences(first, second)
    enclosing = bca_interval if interval == "bca" else mean_interval
    low, high = enclosing(differences, confidence=confidence)
    return PairedComparison(
        metric=metric,
        higher_is_better=higher_is_better,
        seeds=tuple(int(seed) for seed in seeds),
        before=first,
        after=second,
        mean_difference=mean(np.asarray(differences)),
        low=low,
        high=high,
        confidence=confidence,
        p_value=sign_flip_p(differences),
        effect_size=effect_size(differences),
        superiority=0.5
        if nothing
        else superiority(first, second, higher_is_better=higher_is_better),
        diverged=(sum(map(diverged, before)), sum(map(diverged, after))),
    )


def _counted(scores: Sequence[float], worst: float) -> tuple[float, ...]:
    return tuple(worst if diverged(score) else float(score) for score in scores)


def _differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [b - a for a, b in zip(first, second, strict=True)]


def _check(before: Sequence[float], after: Sequence[float], seeds: Sequence[int]) -> None:
    if not len(before) == len(after) == len(seeds):
        raise UsageError(
            f"{len(before)} scores before, {len(after)} after and {len(seeds)} seeds",
            hint="one pair for each seed",
        )
    if not len(seeds):
        raise UsageError("there are no seeds to compare", hint="6 or more can reach p < 0.05")
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"the seeds {list(seeds)} repeat", hint="each pair needs its own seed")
