"""Scores of arms: what a short run reached on the data that the search chooses by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev

from torchclinic.core.history import History, Run, SplitName
from torchclinic.engine import ArmRun
from torchclinic.training import kept_evaluation

JUDGED: tuple[SplitName, ...] = ("test", "validation", "train")  # the first that was evaluated
TOLERANCE = 0.02  # of the gain over the faulty recipe: arms this close to the best are equals


@dataclass(frozen=True)
class Score:
    """Where the runs of one arm ended.

    Attributes:
        values: One a seed, on the search split: the metric, or the loss where there is none.
        higher_is_better: Their direction.
    """

    values: tuple[float, ...]
    higher_is_better: bool

    @property
    def key(self) -> float:
        """Larger is better, -inf for an arm of which a run failed or diverged."""
        if not self.values or not all(math.isfinite(value) for value in self.values):
            return -math.inf
        return fmean(self.values) if self.higher_is_better else -fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds."""
        return pstdev(self.values) if len(self.values) > 1 else 0.0


def final_value(history: History) -> float:
    """The value of the kept weights on the split a run was judged on; NaN where it diverged."""
    last = next((e for split in JUDGED if (e := kept_evaluation(history, split))), None)
    if last is None or history.ending == "diverged":
        return math.nan
    return last.loss if last.metric is None else last.metric


def score(runs: Sequence[ArmRun], *, higher_is_better: bool) -> Score:
    """The score of an arm; a run with an error counts as NaN."""
    values = tuple(math.nan if r.run is None else final_value(r.run.history) for r in runs)
    return Score(values, higher_is_better)


def expected_by_draw(draws: Score, others: Sequence[Score]) -> float:
    """What a random remedy is worth on average, larger being better.

    A draw that diverged counts as the worst finite value of all arms: to leave it out would make
    chance look better than it is.

    >>> lucky = Score((0.9, math.nan), higher_is_better=True)
    >>> expected_by_draw(lucky, [Score((0.1,), higher_is_better=True)])
    0.5
    """
    sign = 1.0 if draws.higher_is_better else -1.0
    known = [sign * v for s in (draws, *others) for v in s.values if math.isfinite(v)]
    if not known or not draws.values:
        return -math.inf
    worst = min(known)
    return fmean(sign * v if math.isfinite(v) else worst for v in draws.values)


def median_curve(runs: Sequence[Run]) -> tuple[tuple[int, float], ...]:
    """(step, median over the runs) of the judged quantity, at the steps all runs have."""
    tables = [dict(judged_curve(run.history)) for run in runs]
    if not tables:
        return ()
    shared = set.intersection(*(set(table) for table in tables))
    return tuple((step, median(table[step] for table in tables)) for step in sorted(shared))


def judged_curve(history: History) -> tuple[tuple[int, float], ...]:
    """The curve of the quantity that a run is judged by."""
    for split in JUDGED:
        for quantity in ("metric", "loss"):
            curve = history.curve(split, quantity)
            if curve:
                return curve
    return ()
