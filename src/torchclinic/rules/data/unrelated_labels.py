"""DAT106: labels that do not belong to the inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torchclinic.core.facts import BatchFacts, Case, PartFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.functional.expected_loss import majority_share
from torchclinic.functional.learning import LearningState
from torchclinic.functional.recoding import recoding
from torchclinic.functional.skill import rescale
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import state_of
from torchclinic.rules.knowing import skill_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class UnrelatedLabels(Rule):
    """The targets have nothing to do with the inputs beside which they stand.

    ## What it does
    Asks whether rows with similar inputs have similar targets, more often than the same targets
    do when they are shuffled. Where they do not, and the model, although it can learn rows by
    heart, does no better on other rows than a constant, the targets do not belong to the inputs.
    It also warns where a training row's neighbours know its target, and a validation row's
    neighbours among the training rows do not, although the inputs of both parts are alike.

    ## Why is this bad?
    A file that was sorted or shuffled without the other, an index that is off by one, or a join
    on the wrong key leave nothing to be learnt. The training loss may still fall, as the model
    learns the rows by heart, which looks like overfitting.

    ## Known problems
    Nearest neighbours are blind to some relations that a net can learn (parity of many bits), so
    the rule only speaks where the net has learnt nothing either. It cannot judge token numbers,
    nor labels of which only a part is wrong. Training rows that are copies of each other (frames
    of one film, windows of one record) know each other's targets, and not those of other films.

    ## Example
    `inputs = inputs[torch.randperm(len(inputs))]  # and the labels stay where they are`

    ## Use instead
    `order = torch.randperm(len(inputs)); inputs, labels = inputs[order], labels[order]`

    ## References
    Zhang et al. 2017, "Understanding deep learning requires rethinking generalization", arXiv
    1611.03530 (nets fit random labels); Cover and Hart 1967 (nearest neighbours).
    """

    code = "DAT106"
    name = "unrelated-labels"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    any_of = ("history", "trace")
    explains = ("CRV101", "CRV102", "CRV103", "CRV104", "LRN101", "LRN102", "REG101", "LOS105")
    remedies = ("realign-labels",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where neither neighbours nor the trained model know anything."""
        assert case.batch is not None
        labels, state = case.batch.labels, state_of(case)
        if case.batch.parts is not None:
            yield from self._validation(case, case.batch, case.batch.parts)
            other = case.batch.parts.agreement_z or 0.0
            together = ((0.0 if labels is None else labels.z or 0.0) + other) / math.sqrt(2)
            if abs(other) >= t.LABEL_LIKENESS or together >= t.LABEL_TOGETHER:
                return  # training rows know the targets of validation rows
        if labels is None or labels.z is None or labels.likeness is None or labels.chance is None:
            return
        unseen, limit = state.validation_removed, _limit(case)
        if labels.rows < t.LABEL_ROWS or abs(labels.z) >= t.LABEL_LIKENESS:
            return  # neighbours of one class, or always of another one: the inputs tell
        if unseen is None or unseen > limit or not _can_learn(case, state):
            return
        if (skill_of(case) or 0.0) > t.LABEL_SKILL:
            return  # its answers are good and only too sure: overfitting
        yield self.finding(
            Level.ERROR,
            "the targets do not belong to the inputs",
            f"Rows with similar inputs have no more similar targets ({number(labels.likeness)}) "
            f"than if the targets were shuffled ({number(labels.chance)}), and on rows that it "
            f"has not seen the model is no better than a constant ({_learnt(state)}). Most often "
            "inputs and targets were put into different orders, or joined on the wrong key.",
            (
                below("likeness of neighbours' targets", labels.z, t.LABEL_LIKENESS, "std"),
                below("share of the constant's validation loss removed", unseen, limit),
                fact("rows compared", labels.rows),
            ),
            confidence=0.85,
        )

    def _validation(self, case: Case, batch: BatchFacts, parts: PartFacts) -> Iterable[Finding]:
        own, other = _known(batch, parts)
        if own is None or other is None or not own > t.NEIGHBOURS_OWN:
            return
        lost = other < t.NEIGHBOURS_LOST * own and abs(parts.agreement_z or 0.0) < t.LABEL_LIKENESS
        gap = generalisation_gap(state_of(case))
        if not lost or gap <= t.SHIFT_IMPACT or not _alike(batch, parts):
            return
        skill = skill_of(case)
        if parts.validation_rows < t.LABEL_ROWS or (skill or 0.0) > t.LABEL_SKILL:
            return
        yield self.finding(
            Level.WARNING,
            "the validation targets do not follow from the inputs as those of training do",
            "A training row's nearest neighbours know its target "
            f"({percent(own)} of what can be known), a validation row's nearest training rows do "
            f"not ({percent(max(other, 0.0))}), although both parts have alike inputs. Most often "
            "inputs and targets of the validation part were put into different orders or joined "
            "on the wrong key; or its rows are of another kind than those of training.",
            (
                below("what neighbours know in validation, over training", other / own, _LOST),
                above("loss removed, train minus validation", gap, t.SHIFT_IMPACT),
                fact("validation rows compared", parts.validation_rows),
            ),
            confidence=0.7,
            explains=("DAT119", "CRV103", "CRV105"),
        )


_LOST = t.NEIGHBOURS_LOST


def _known(batch: BatchFacts, parts: PartFacts) -> tuple[float | None, float | None]:
    """What neighbours know of training rows, and of validation rows; 0 for nothing, 1 for all."""
    if parts.agreement_own is None or parts.agreement is None:
        return parts.value_relation_own, parts.value_relation
    counts = batch.targets.class_counts
    base = majority_share(counts.values()) if counts else 0.0
    return rescale(parts.agreement_own, base), rescale(parts.agreement, base)


def _alike(batch: BatchFacts, parts: PartFacts) -> bool:
    """Whether inputs and targets, each on their own, are distributed alike in both parts."""
    ratio, inputs = batch.inputs.scale_ratio or 1.0, batch.inputs
    if (inputs.shift or 0.0) > t.SHIFT or not 1 / t.SCALE_RATIO < ratio < t.SCALE_RATIO:
        return False
    if parts.leaks or parts.order or (parts.said_distance or 0.0) > t.TARGET_DISTANCE:
        return False
    if (parts.joint_z or 0.0) > t.JOINT_Z or (parts.target_distance or 0.0) > t.TARGET_DISTANCE:
        return False
    ours, theirs = parts.train_classes, parts.validation_classes
    return set(theirs) <= set(ours) and not recoding(
        parts.confusion, ours, share=t.RECODED, kept=t.RECODED_KEPT
    )


def _limit(case: Case) -> t.Threshold:
    """What a model that knows nothing may win on so many validation rows by chance."""
    rows = case.recipe.validation_rows if case.recipe is not None else None
    chance = 0.5 / math.sqrt(rows) if rows else 0.0
    return t.Threshold(t.LABEL_UNSEEN + chance, t.LABEL_UNSEEN.source)


def _can_learn(case: Case, state: LearningState) -> bool:
    """Whether the model learns rows by heart: all of them in the run, or one batch."""
    learns = (state.removed or 0.0) > t.LABEL_MEMORY
    passed = case.one_batch is not None and case.one_batch.passed
    return learns or passed


def _learnt(state: LearningState) -> str:
    removed = max(state.removed or 0.0, 0.0)
    return f"on its own rows it has removed {percent(removed)} of the loss"
