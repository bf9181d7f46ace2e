"""The table of a study: a row an arm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median, stdev

from torchclinic.core import StudyRow, StudyRun
from torchclinic.engine import ArmRun
from torchclinic.study.judged import Judged
from torchclinic.study.statistics import mean_interval
from torchclinic.study.statistics.diverged import diverged

FAILED, MISSING, DROPPED, DIVERGED = "failed", "missing", "dropped", "diverged"


def study_run(result: ArmRun, judged: Judged) -> StudyRun:
    """One run in numbers.

    >>> study_run(ArmRun("a", 3, error="boom", seconds=1.0), Judged("loss", False, "train")).ending
    'failed'
    """
    if result.run is None:
        ending = MISSING if result.skipped else FAILED
        error = result.error or ""
        return StudyRun(
            result.arm, result.seed, None, 0, result.seconds, ending, error, result.note
        )
    history = result.run.history
    score = judged.score(history)
    return StudyRun(
        arm=result.arm,
        seed=result.seed,
        score=score,
        steps=len(history.losses),
        seconds=result.seconds,
        ending=DIVERGED if diverged(score) else history.ending,
        note=result.note,
    )


def scores_of(runs: Sequence[StudyRun]) -> Mapping[int, float]:
    """Seed -> score of the runs that have one, diverged ones included."""
    return {run.seed: run.score for run in runs if run.score is not None}


def study_row(
    arm: str, runs: Sequence[StudyRun], *, confidence: float, best_share: float = math.nan
) -> StudyRow:
    """The row of an arm.

    Args:
        arm: Its name.
        runs: Its runs, one a seed.
        confidence: Of the interval of the mean.
        best_share: Bootstrap share of being the best.

    >>> row = study_row("a", [StudyRun("a", s, 0.5 + s / 10, 10) for s in range(3)], confidence=0.9)
    >>> row.n, round(row.mean, 2), row.median
    (3, 0.6, 0.6)
    """
    finite = [run.score for run in runs if run.score is not None and not diverged(run.score)]
    made = [run for run in runs if run.score is not None]
    low, high = mean_interval(finite, confidence=confidence) if finite else (-math.inf, math.inf)
    return StudyRow(
        arm=arm,
        n=len(finite),
        mean=fmean(finite) if finite else math.nan,
        median=median(finite) if finite else math.nan,
        low=low,
        high=high,
        std=stdev(finite) if len(finite) > 1 else math.nan,
        seconds=fmean(run.seconds for run in made) if made else math.nan,
        steps=round(median(run.steps for run in made)) if made else 0,
        failed=sum(run.ending == FAILED for run in runs),
        diverged=len(made) - len(finite),
        missing=sum(run.ending in (MISSING, DROPPED) for run in runs),
        best_share=best_share,
    )
