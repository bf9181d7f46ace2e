"""DAT119: what training rows teach holds for training rows alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from torchclinic.core.facts import Case, HalfTrialFacts, PredictionFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.knowing import answered, stays_behind
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent

FEWEST_ROWS = 10
LARGEST = 0.999  # correlation, whose Fisher transform has no end


@register
class ForeignValidation(Rule):
    """What the training rows teach holds for other training rows, and not for validation.

    ## What it does
    Where validation stays behind, it trains once more on one half of the training rows and asks
    about the other half. A model that overfits knows as little of those as of validation. Where
    it knows them well and the validation rows hardly better than chance, although all rows taught
    it, inputs stand for something else there. A plain model that learns from validation rows alone
    tells whether inputs and targets belong together there.

    ## Why is this bad?
    A vocabulary, an encoder or a scaler that was fitted anew for each part gives the same number
    another meaning, with no single statistic out of place. It looks like overfitting, and neither
    dropout nor early stopping can help.

    ## Known problems
    Rows that come in groups (speakers, films) know each other: halves keep the order of the rows,
    and rows with a near copy in the other half are left out, but groups that were shuffled and do
    not look alike stay unseen. Validation rows of other groups or of a much later time are unlike
    those of training, too.

    ## Example
    `validation_ids = Vocabulary(validation_texts)(validation_texts)  # one of its own`

    ## Use instead
    `vocabulary = Vocabulary(train_texts); validation_ids = vocabulary(validation_texts)`

    ## References
    Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests", arXiv 1610.06545; Sculley
    et al. 2015, "Hidden Technical Debt in Machine Learning Systems" (training-serving skew).
    """

    code = "DAT119"
    name = "foreign-validation"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.DATA
    needs = frozenset({"batch", "history"})
    explains = ("CRV103", "LRN101", "LRN102", "REG101", "GRD103", *LEARNING_CURVES)
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding."""
        halves = case.halves
        if halves is None or not stays_behind(case):
            return
        found = _knowledge(case, halves)
        if found is None or not found.half > t.FOREIGN_KNOWN:
            return
        left = max(found.validation, 0.0) / found.half
        if left >= t.FOREIGN_LEFT or found.z <= t.FOREIGN_Z:
            return
        together = (halves.within_z or 0.0) > t.FOREIGN_WITHIN
        nothing = left < t.FOREIGN_NOTHING and together
        known, seen = percent(found.half), percent(round(max(found.validation, 0.0), 2))
        yield self.finding(
            Level.ERROR if nothing else Level.WARNING,
            f"validation inputs mean something else: {seen} is known, of training rows {known}",
            f"Trained on one half of the training rows, the model knows {known} of what can be "
            f"known of the other half; of the validation part it knows {seen}. That is not "
            f"overfitting, which would forget both alike.{_where(halves, together=together)}",
            (
                above("what half of the rows teaches of the other", found.half, t.FOREIGN_KNOWN),
                below("of that, what is known of validation", left, t.FOREIGN_LEFT),
                above("their difference", found.z, t.FOREIGN_Z, "std"),
                *_within(halves),
            ),
            confidence=0.85 if together else 0.65,
            explains=("DAT106", *self.explains) if together else None,
        )


class _Knowledge(NamedTuple):
    half: float
    validation: float
    z: float


def _knowledge(case: Case, halves: HalfTrialFacts) -> _Knowledge | None:
    """0 for nothing and 1 for all: by answers for classes, by ranks for numbers."""
    assert case.batch is not None
    mine, theirs = halves.predictions, case.predictions
    if mine is not None and theirs is not None:
        known, other = answered(mine, case.batch), answered(theirs, case.batch)
        if known is None or other is None:
            return None
        return _Knowledge(known, other, _deviations(mine, theirs))
    one, two = halves.relation, halves.validation_relation
    rows = min(halves.rows, halves.validation_rows or 0)
    if one is None or two is None or rows <= FEWEST_ROWS:
        return None
    apart = math.atanh(_within_one(one)) - math.atanh(_within_one(two))
    return _Knowledge(one * abs(one), two * abs(two), apart * math.sqrt((rows - 3) / 2))


def _within_one(correlation: float) -> float:
    return max(min(correlation, LARGEST), -LARGEST)


def _deviations(mine: PredictionFacts, theirs: PredictionFacts) -> float:
    """Of the accuracies' difference, as two shares; of the mean recalls' where that is more."""
    return max(_apart(_accuracy(mine), _accuracy(theirs)), _apart(_recall(mine), _recall(theirs)))


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    spread = math.sqrt(one[1] + other[1])
    return (one[0] - other[0]) / spread if spread > 0 else 0.0


def _accuracy(found: PredictionFacts) -> tuple[float, float]:
    """The accuracy and its variance."""
    rows = max(found.rows, 1)
    share = sum(found.recalls[label] * count for label, count in found.counts.items()) / rows
    return share, (share * (1 - share) + 1 / rows) / rows


def _recall(found: PredictionFacts) -> tuple[float, float]:
    """The mean recall and its variance."""
    count = max(len(found.recalls), 1)
    mean = sum(found.recalls.values()) / count
    spread = (
        (recall * (1 - recall) + 1 / found.counts[label]) / found.counts[label]
        for label, recall in found.recalls.items()
    )
    return mean, sum(spread) / count**2


def _where(halves: HalfTrialFacts, *, together: bool) -> str:
    if together:
        return (
            " Within validation inputs and targets do belong together: a plain model that learns "
            f"from validation rows knows {percent(halves.within or 0.0)} of others there. "
            "So the same numbers mean something else: a vocabulary, tokenizer, encoder or scaler "
            "that was made anew, columns or axes in another order, or rows from elsewhere. Make "
            "it once, on the training part, and use it for all."
        )
    return (
        " Either the same numbers mean something else there (a vocabulary, encoder or scaler of "
        "its own, columns or axes in another order), or inputs and targets of the validation part "
        "do not belong together (another order, a wrong key), or its rows come from elsewhere."
    )


def _within(halves: HalfTrialFacts) -> Iterable[Evidence]:
    if halves.within is not None:
        yield fact("what a plain model learns of validation there", halves.within)
