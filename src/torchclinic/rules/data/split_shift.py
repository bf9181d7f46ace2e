"""DAT105: training and validation inputs prepared differently."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import Case, InputFacts, PartFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class TrainValidationShift(Rule):
    """Training and validation inputs have different scales, as if prepared differently.

    ## What it does
    Compares mean and standard deviation of the validation inputs with those of the training
    inputs, channel by channel. A channel's shift counts where it is beyond what chance gives the
    largest of so many channels in so few rows. Of pictures that training pictures do not know it
    tries what may have been missed: flipped, turned, axes or channels exchanged, inverted,
    rescaled. Of token numbers it compares how often each occurs, and where rows are filled up.

    ## Why is this bad?
    A model that is trained on standardised inputs and validated on raw ones sees inputs that it
    has never met. The training loss falls, the validation loss does not, and that looks like
    overfitting although it is a preparation fault.

    ## Known problems
    A single rare channel can differ by chance, so a warning also asks for a different scale of
    the whole tensor or for a validation loss that stays behind. A genuine change of the
    distribution (later years, another clinic) looks the same.

    ## Example
    `train_x = (train_x - mean) / std; validate(model, validation_x)`

    ## Use instead
    `validation_x = (validation_x - mean) / std  # statistics of the training part`

    ## References
    Sculley et al. 2015, "Hidden Technical Debt in Machine Learning Systems" (training-serving
    skew); Breck et al. 2019, "Data Validation for Machine Learning".
    """

    code = "DAT105"
    name = "train-validation-shift"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = ("DAT119", "CRV103")
    remedies = ("standardise-inputs",)

    def check(self, case: Case) -> Iterable[Finding]:
        """A finding where the splits differ; its level follows from the validation loss."""
        assert case.batch is not None
        parts = case.batch.parts
        if parts is not None and parts.repair and _regained(parts) > t.ORDER_GAIN:
            yield self._repaired(case, parts)
            return
        if parts is not None and parts.words is not None:
            yield from self._tokens(case, parts)
            return
        rows = _fewer_rows(case)
        signs = tuple(_signs(case.batch.inputs, rows))
        if not signs:
            return
        state = state_of(case)
        gap = generalisation_gap(state)
        level = _level(signs, gap, state)
        impact = (above("loss removed, train minus validation", gap, t.SHIFT_IMPACT),)
        first = signs[0]
        yield self.finding(
            level,
            f"validation inputs differ from the training's: {number(first.value)} {first.unit}",
            f"The {first.statistic} is {number(first.value)} {first.unit}, far more than chance "
            "gives two parts of one data set. Most often one part went through a transform "
            f"that the other missed.{_consequence(state, gap)}",
            signs + (impact if gap > t.SHIFT_IMPACT else ()),
            confidence=confidence(first.value, first.threshold or 1.0, len(signs) + 1),
        )

    def _repaired(self, case: Case, parts: PartFacts) -> Finding:
        before, after = parts.agreement or 0.0, parts.repair_agreement or 0.0
        state = state_of(case)
        gap = generalisation_gap(state)
        return self.finding(
            Level.ERROR if gap > t.SHIFT_IMPACT else Level.WARNING,
            f"validation pictures would have to be {parts.repair}",
            f"Of the validation pictures {percent(before)} have the class of their nearest "
            f"training pictures, and {percent(after)} when they are {parts.repair}: one part went "
            "through a transform that the other missed. Prepare all parts by one function."
            f"{_consequence(state, gap)}",
            (
                above("what neighbours know more after it", _regained(parts), t.ORDER_GAIN),
                fact("share of classes that neighbours know", before),
                fact("the same after the change", after),
            ),
            confidence=0.95,
            explains=("DAT106", "DAT111", "DAT110", *self.explains, "CRV105"),
        )

    def _tokens(self, case: Case, parts: PartFacts) -> Iterable[Finding]:
        gap = generalisation_gap(state_of(case))
        level = Level.WARNING if gap > t.SHIFT_IMPACT else Level.INFO
        words, chance, z = parts.words or 0.0, parts.words_chance or 0.0, parts.words_z or 0.0
        shares = parts.filler_shares or (0.0, 0.0)
        if chance > t.JOINT_KNOWN and words < t.WORDS * chance and z > t.JOINT_Z:
            yield self.finding(
                level,
                "token numbers are used otherwise in validation than in training",
                "How often each token number occurs correlates by "
                f"{number(words, 2)} between training and validation, by {number(chance, 2)} "
                "between random parts, so the parts hardly share their words. Most often each "
                "part was given a vocabulary of its own: build it on the training part, and use "
                "it for all.",
                (
                    below("likeness of frequencies over random parts'", words / chance, t.WORDS),
                    above("the same in deviations of random parts", z, t.JOINT_Z, "std"),
                    fact("likeness of the sorted frequencies", parts.words_sorted or 0.0),
                ),
                confidence=0.8,
            )
        elif abs(shares[0] - shares[1]) > t.FILLER and (parts.filler_z or 0.0) > t.JOINT_Z:
            yield self.finding(
                level,
                f"rows are filled up otherwise: token {parts.filler} at place {parts.filler_place}",
                f"At position {parts.filler_place} token {parts.filler}, the commonest, stands in "
                f"{percent(shares[0])} of the training rows and in {percent(shares[1])} of the "
                "validation rows. One part is padded on the other side, or cut to another length.",
                (
                    above("difference of the shares", abs(shares[0] - shares[1]), t.FILLER),
                    above("the same in deviations", parts.filler_z or 0.0, t.JOINT_Z, "std"),
                ),
                confidence=0.7,
            )


def _regained(parts: PartFacts) -> float:
    """What neighbours know more of validation pictures after the change that repairs them."""
    return (parts.repair_agreement or 0.0) - (parts.agreement or 0.0)


def _fewer_rows(case: Case) -> int | None:
    """Rows of the smaller part, whose mean chance moves most."""
    if case.recipe is None:
        return None
    known = [n for n in (case.recipe.train_rows, case.recipe.validation_rows) if n]
    return min(known, default=None)


def _signs(inputs: InputFacts, rows: int | None) -> Iterable[Evidence]:
    ratio = inputs.scale_ratio
    if ratio is not None and math.isfinite(ratio) and ratio > t.SCALE_RATIO:
        yield above("validation standard deviation over training", ratio, t.SCALE_RATIO, "times")
    elif ratio is not None and ratio * t.SCALE_RATIO < 1:
        limit = t.Threshold(1 / t.SCALE_RATIO, t.SCALE_RATIO.source)
        yield below("validation standard deviation over training", ratio, limit, "times")
    chance = 5 / math.sqrt(rows) if rows else 0.0
    if inputs.shift is not None and inputs.shift > t.SHIFT + chance:
        limit = t.Threshold(t.SHIFT + chance, t.SHIFT.source)
        yield above("largest shift of a channel's mean", inputs.shift, limit, "std")


def _level(signs: tuple[Evidence, ...], gap: float, state: LearningState) -> Level:
    if gap > t.SHIFT_IMPACT:
        strong = len(signs) > 1 and (state.validation_removed or 0.0) <= 0
        return Level.ERROR if strong else Level.WARNING
    unseen = state.validation_removed is None
    other_unit = any(
        sign.unit == "times"
        and abs(math.log(max(sign.value, 1e-30))) > math.log(t.SCALE_OTHER_UNIT)
        for sign in signs
    )
    return Level.WARNING if other_unit or (unseen and len(signs) > 1) else Level.INFO


def _consequence(state: LearningState, gap: float) -> str:
    if gap <= t.SHIFT_IMPACT or state.removed is None:
        return ""
    return (
        f" The training loss lost {percent(state.removed)} of what a constant prediction costs, "
        f"the validation loss {percent(max(state.validation_removed or 0.0, -1.0))}."
    )
