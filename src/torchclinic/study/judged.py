"""By what the arms of a study are judged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from torchclinic.core import History, Metric, UsageError
from torchclinic.core.history import SplitName
from torchclinic.study.arms import Arm
from torchclinic.training import kept_evaluation
from torchclinic.training.metrics import resolve_metric

LOSS = "loss"
TAIL = 0.05  # share of the last updates whose losses are averaged where nothing is evaluated
SplitChoice = Literal["auto", "train", "validation", "test"]
MetricChoice = str | Metric | Callable[[Any, Any], float] | None


@dataclass(frozen=True)
class Judged:
    """What a run is judged by.

    Attributes:
        metric: Name of the metric, or "loss".
        higher_is_better: Its direction.
        split: Part of the data on which it is measured.
    """

    metric: str
    higher_is_better: bool
    split: SplitName

    def score(self, history: History) -> float:
        """The score of a run: of the weights that it ended with; NaN where it diverged.

        Without evaluations it is the mean loss of the last 5 % of the updates.

        >>> from torchclinic.core import Evaluation
        >>> history = History(evaluations=(Evaluation(9, "validation", 0.5, 0.9),))
        >>> Judged("accuracy", True, "validation").score(history)
        0.9
        """
        if history.ending == "diverged":
            return math.nan
        if self.split == "train":
            tail = history.losses[-max(1, round(TAIL * len(history.losses))) :]
            return fmean(tail) if tail else math.nan
        found = kept_evaluation(history, self.split)
        if found is None:
            return math.nan
        value = found.loss if self.metric == LOSS else found.metric
        return math.nan if value is None else value


def judge_by(
    arms: Sequence[Arm], metric: MetricChoice, split: SplitChoice
) -> tuple[tuple[Arm, ...], Judged]:
    """The arms with one metric, and what they are judged by.

    Args:
        arms: Of the study.
        metric: A metric for all arms; "loss"; or None for what the recipes say.
        split: "auto" takes the test part if all arms have one, else the validation part, else the
            losses of the training itself.

    Raises:
        UsageError: When the arms have different metrics, or one lacks the part.
    """
    if metric is not None and metric != LOSS:
        arms = [Arm(a.name, a.recipe.replace(metric=metric), a.changes) for a in arms]
    chosen = _split(arms, split)
    if metric == LOSS:
        return tuple(arms), Judged(LOSS, higher_is_better=False, split=chosen)
    name, higher_is_better = _common_metric(arms)
    if chosen == "train" and name != LOSS:
        name, higher_is_better = LOSS, False
    return tuple(arms), Judged(name, higher_is_better, chosen)


def _common_metric(arms: Sequence[Arm]) -> tuple[str, bool]:
    found = {arm.name: resolve_metric(arm.recipe) for arm in arms}
    kinds = {
        n: (LOSS, False) if m is None else (m.name, m.higher_is_better) for n, m in found.items()
    }
    first, *others = kinds
    for other in others:
        if kinds[other] != kinds[first]:
            raise UsageError(
                f"arm {first!r} is judged by {kinds[first][0]}, arm {other!r} by {kinds[other][0]}",
                hint='give one for all: metric="accuracy", or metric="loss"',
            )
    return kinds[first]


def _split(arms: Sequence[Arm], split: SplitChoice) -> SplitName:
    if split not in ("auto", "train", "validation", "test"):
        raise UsageError(f"split is {split!r}", hint="'auto', 'test', 'validation' or 'train'")
    for part in ("test", "validation"):
        without = [arm.name for arm in arms if getattr(arm.recipe.splits, part) is None]
        if split == part and without:
            raise UsageError(
                f"arm {without[0]!r} has no {part} data", hint=f"tc.Splits(train=..., {part}=...)"
            )
        if split in ("auto", part) and not without:
            return part
    return "train"
