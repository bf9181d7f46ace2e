"""DAT109: classes, or a range of targets, that one part of the data lacks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from torchclinic.core.facts import Case, PartFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent

CLASS_LOSSES = ("cross-entropy", "nll", "bce", "bce-with-logits", "hinge")


@register
class MissingClasses(Rule):
    """The training part lacks classes that the validation part has, or the other way round.

    ## What it does
    Counts the classes in both parts and asks how likely a random split leaves a class out of one
    of them. For numbers it looks at the share of validation targets that lie outside of the range
    of the training targets.

    ## Why is this bad?
    A class that the model never sees in training is never answered, however long it trains. The
    training loss falls, the validation loss rises, and it looks like overfitting. Most often rows
    that were sorted by class were cut in two without being shuffled.

    ## Known problems
    A rare class may be left out by chance: the probability of that is computed and must be small.
    Validation on classes that were never trained is the point of metric learning, so only losses
    of classes are judged. Later targets of a series that grows lie outside of the earlier ones'
    range and are only mentioned where the model does well on them.

    ## Example
    `train, validation = rows_sorted_by_class[:120], rows_sorted_by_class[120:]`

    ## Use instead
    `train_test_split(inputs, labels, stratify=labels, shuffle=True)`

    ## References
    Kohavi 1995, "A Study of Cross-Validation and Bootstrap" (stratified splits); Fisher's exact
    test, 1935.
    """

    code = "DAT109"
    name = "missing-classes"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = (
        *("DAT103", "DAT105", "DAT106", "DAT108", "DAT111", "DAT112", "DAT119"),
        *("CRV103", *LEARNING_CURVES),
    )
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """Findings for classes missing in training, in validation, and for a range of targets."""
        assert case.batch is not None
        parts = case.batch.parts
        if parts is None:
            return
        kind = case.recipe.loss_kind if case.recipe is not None else "custom"
        train, other = parts.train_classes, parts.validation_classes
        if train and other and kind in CLASS_LOSSES:
            lacking = tuple(self._not_trained(train, other))
            yield from lacking or self._not_judged(train, other)
        elif not train:
            yield from self._out_of_range(case, parts)

    def _not_trained(self, train: Mapping[int, int], other: Mapping[int, int]) -> Iterable[Finding]:
        lost = left_out(other, train)
        share = sum(lost.values()) / max(sum(other.values()), 1)
        if not lost:
            return
        worst = max(lost, key=lambda c: lost[c])
        level = Level.WARNING if share > t.ABSENT else Level.INFO
        yield self.finding(
            Level.ERROR if share > t.ABSENT_CLEAR else level,
            f"{_classes(lost)} in the validation part and not in training",
            f"{percent(share)} of the validation rows belong to {_classes(lost)}, of which none of "
            f"the {sum(train.values()):,} training rows that were counted is an example. The model "
            "cannot learn to answer them. Shuffle the rows before they are split, and split class "
            "by class (stratified).",
            (
                above("share of validation rows of such a class", share, t.ABSENT)
                if share > t.ABSENT
                else fact("share of validation rows of such a class", share),
                _chance(lost[worst], other, train, worst),
                fact(f"validation rows of class {worst}", lost[worst]),
                fact(f"training rows of class {worst}", 0),
            ),
            confidence=0.95,
        )

    def _not_judged(self, train: Mapping[int, int], other: Mapping[int, int]) -> Iterable[Finding]:
        lost = left_out(train, other)
        share = sum(lost.values()) / max(sum(train.values()), 1)
        if not lost:
            return
        worst = max(lost, key=lambda c: lost[c])
        yield self.finding(
            Level.WARNING if share > t.ABSENT_CLEAR else Level.INFO,
            f"{_classes(lost)} in the training part and not in validation",
            f"{percent(share)} of the training rows belong to {_classes(lost)}, of which the "
            f"{sum(other.values()):,} validation rows hold none: what the model knows of them is "
            "never judged. Shuffle the rows before they are split.",
            (
                above("share of training rows of such a class", share, t.ABSENT_CLEAR)
                if share > t.ABSENT_CLEAR
                else fact("share of training rows of such a class", share),
                _chance(lost[worst], train, other, worst),
            ),
            confidence=0.7,
            explains=(),
        )

    def _out_of_range(self, case: Case, parts: PartFacts) -> Iterable[Finding]:
        share, ours, theirs = parts.outside, parts.train_targets, parts.validation_targets
        if share is None or ours is None or theirs is None or not share > t.OUTSIDE:
            return
        if (parts.target_chance or 1.0) > t.TARGET_CHANCE or _same_inputs(parts):
            return
        gap = generalisation_gap(state_of(case))
        yield self.finding(
            Level.WARNING if gap > t.SHIFT_IMPACT else Level.INFO,
            f"{percent(share)} of the validation targets lie outside the training's range",
            f"The training targets run from {number(ours[0])} to {number(ours[2])}, those of "
            f"validation from {number(theirs[0])} to {number(theirs[2])}: the model is asked for "
            "values that it has never seen. Rows that were sorted by the target, or a series that "
            "grows, were cut in two without being shuffled.",
            (
                above("share of validation targets out of range", share, t.OUTSIDE),
                fact("training loss removed, less that of validation", gap),
            ),
            confidence=0.6,
        )


def left_out(there: Mapping[int, int], here: Mapping[int, int]) -> dict[int, int]:
    """Classes with rows `there` and none `here`, where chance does not leave them out.

    >>> left_out({0: 50, 1: 50, 2: 1}, {0: 50, 1: 0})
    {1: 50}
    """
    limit = t.SPLIT_CHANCE / max(len(there), 1)
    return {
        label: rows
        for label, rows in there.items()
        if not here.get(label)
        and log_chance(rows, sum(there.values()), sum(here.values())) < math.log(limit)
    }


def log_chance(rows: int, there: int, here: int) -> float:
    """Logarithm of the probability that a random split puts all rows of a class on one side.

    >>> round(math.exp(log_chance(2, 5, 5)), 4)
    0.2222
    """
    if rows <= 0 or there < rows:
        return 0.0
    return sum(math.log((there - i) / (there + here - i)) for i in range(rows))


def _chance(rows: int, there: Mapping[int, int], here: Mapping[int, int], label: int) -> Evidence:
    found = math.exp(max(log_chance(rows, sum(there.values()), sum(here.values())), -700.0))
    limit = t.Threshold(t.SPLIT_CHANCE / max(len(there), 1), t.SPLIT_CHANCE.source)
    return below(f"probability that a random split leaves class {label} out", found, limit)


def _classes(lost: Mapping[int, int], limit: int = 5) -> str:
    names = sorted(lost)
    shown = ", ".join(str(name) for name in names[:limit])
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"class {shown}" if len(names) == 1 else f"classes {shown}{more}"


def _same_inputs(parts: PartFacts) -> bool:
    """Whether it is not the rows that differ, but only the targets beside them."""
    if parts.said_distance is None or parts.target_distance is None:
        return False
    return parts.said_distance < parts.target_distance / 2
